/**
 * Storage in a folder that several server processes may share. The folder holds:
 *
 * <pre>
 * objects/blobs/_e3/e3b0c4…   an object; its key is the path without the "_e3"
 * records/leases/_5f/5f0c…    a record: a line with its version, then its bytes
 * spool/…                     unfinished files of running processes
 * lock                        locked for as long as something is put in its place
 * </pre>
 *
 * <p>Each file is written in the spool, forced to disk and then renamed. Its folder is named after
 * the first two characters of its name, so that no folder gets too large. No segment of a key
 * begins with an underscore, and so no key stands in another's way.
 */
package nixery.storage.fs;

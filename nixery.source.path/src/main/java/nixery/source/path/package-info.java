/** A package source that is one local file or folder, used where it is. */
package nixery.source.path;

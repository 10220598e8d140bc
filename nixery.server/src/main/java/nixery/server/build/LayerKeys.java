package nixery.server.build;

import nixery.image.Digest;

/**
 * The keys of a layer. A server takes what it packed itself if it is there, so that it always makes
 * the same image, and else what another packed of the same with another library.
 *
 * @param own covers the bytes
 * @param shared covers all but which library compressed them
 */
record LayerKeys(Digest own, Digest shared) {}

/**
 * From a channel to its popularity: the channel's list of store paths, the narinfo of each, and the
 * references in them.
 */
package nixery.popcount;

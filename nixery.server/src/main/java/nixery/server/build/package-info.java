/**
 * From the name of an image to its manifest: the build pipeline and what it keeps in the storage.
 */
package nixery.server.build;

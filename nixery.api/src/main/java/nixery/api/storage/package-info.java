/** Where layers, manifests and what is known about builds are kept: the storage plugins' side. */
package nixery.api.storage;

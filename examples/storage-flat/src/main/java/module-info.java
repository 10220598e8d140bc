/**
 * Keeps layers, manifests and records in two flat folders.
 *
 * @provides nixery.api.storage.StorageProvider under the name {@code flat}
 */
module example.storage.flat {
  requires nixery.api;

  provides nixery.api.storage.StorageProvider with
      example.storage.flat.FlatStorageProvider;
}

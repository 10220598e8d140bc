/**
 * Keeps layers, manifests and records in a folder of the file system.
 *
 * @provides nixery.api.storage.StorageProvider under the name {@code filesystem}
 */
module nixery.storage.fs {
  requires nixery.api;

  provides nixery.api.storage.StorageProvider with
      nixery.storage.fs.FileSystemStorageProvider;
}

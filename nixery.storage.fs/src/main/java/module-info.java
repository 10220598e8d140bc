/** Keeps layers and manifests in a folder. */
module nixery.storage.fs {
  requires nixery.api;
}

/**
 * Serves the package set in a local file or folder.
 *
 * @provides nixery.api.source.PackageSourceProvider under the name {@code path}
 */
module nixery.source.path {
  requires nixery.api;

  provides nixery.api.source.PackageSourceProvider with
      nixery.source.path.PathSourceProvider;
}

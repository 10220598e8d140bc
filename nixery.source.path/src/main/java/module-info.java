/** Serves the package set in a local folder. */
module nixery.source.path {
  requires nixery.api;
}

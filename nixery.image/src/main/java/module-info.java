/**
 * Pure image building: closure graph to layers, layers to tar and gzip, layers and configuration to
 * Docker and OCI documents. No HTTP, no Nix process, no storage.
 */
module nixery.image {
  exports nixery.image;

  // The records that are written as JSON.
  opens nixery.image to
      tools.jackson.databind;

  requires com.fasterxml.jackson.annotation;
  requires tools.jackson.core;
  requires tools.jackson.databind;
}

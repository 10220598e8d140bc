/**
 * Pure image building: closure graph to layers, layers to compressed tar archives, layers and
 * configuration to Docker and OCI documents. No HTTP, no Nix process, no storage.
 */
module nixery.image {
  exports nixery.image;

  opens nixery.image to
      tools.jackson.databind; // which reads the records that the documents are made of

  requires com.fasterxml.jackson.annotation;
  requires tools.jackson.core;
  requires tools.jackson.databind;
}

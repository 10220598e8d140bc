/** The registry, the build pipeline and the Nix driver. */
module nixery.server {
  requires io.helidon.webserver;
  requires nixery.api;
  requires nixery.image;
  requires tools.jackson.databind;
}

/** The registry, the build pipeline and the Nix driver. */
module nixery.server {
  requires io.helidon.common.socket;
  requires io.helidon.http;
  requires io.helidon.webserver;
  requires jdk.management;
  requires nixery.api;
  requires nixery.image;
  requires tools.jackson.databind;
}

import nixery.api.source.PackageSourceProvider;
import nixery.api.storage.StorageProvider;

/**
 * The server: the registry, the build pipeline and the Nix driver.
 *
 * @uses StorageProvider to keep layers and manifests
 * @uses PackageSourceProvider to find package sets
 */
module nixery.server {
  requires io.helidon.common.socket;
  requires io.helidon.http;
  requires io.helidon.service.registry;
  requires io.helidon.webserver;
  requires java.logging;
  requires java.net.http;
  requires jdk.management;
  requires jdk.unsupported;
  requires nixery.api;
  requires nixery.image;
  requires tools.jackson.databind;

  // Records that are kept as JSON.
  opens nixery.server.build to
      tools.jackson.databind;
  opens nixery.server.nix to
      tools.jackson.databind;

  uses PackageSourceProvider;
  uses StorageProvider;
}

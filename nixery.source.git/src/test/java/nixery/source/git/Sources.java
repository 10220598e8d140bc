package nixery.source.git;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import nixery.api.PluginContext;
import nixery.api.Settings;
import nixery.api.source.PackageSource;

/** Opens sources as the server does. */
final class Sources {

  private Sources() {}

  static PackageSource open(String address, Path cache) {
    return open(address, cache, Map.of());
  }

  static PackageSource open(String address, Path cache, Map<String, String> settings) {
    Map<String, String> environment = new HashMap<>(settings);
    environment.put("NIXERY_PKGS_REPO", address);
    return new GitSourceProvider().open(new PluginContext(Settings.of(environment), cache));
  }
}

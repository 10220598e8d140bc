package nixery.source.git;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import nixery.api.PluginContext;
import nixery.api.Settings;
import nixery.api.source.PackageSource;

/** Opens sources as the server does. */
final class Sources {

  private Sources() {}

  /** Returns the commits whose files are kept in the cache folder of one repository. */
  static List<String> kept(Path cache) throws IOException {
    try (Stream<Path> repositories = Files.list(cache.resolve("commits"))) {
      Path repository = repositories.findFirst().orElseThrow();
      try (Stream<Path> revisions = Files.list(repository.resolve("revisions"))) {
        return revisions.map(path -> path.getFileName().toString()).toList();
      }
    }
  }

  static PackageSource open(String address, Path cache) {
    return open(address, cache, Map.of());
  }

  static PackageSource open(String address, Path cache, Map<String, String> settings) {
    Map<String, String> environment = new HashMap<>(settings);
    environment.put("NIXERY_PKGS_REPO", address);
    return new GitSourceProvider().open(new PluginContext(Settings.of(environment), cache));
  }
}

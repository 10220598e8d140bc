package nixery.runtime;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A version of Nix.
 *
 * @param bin the folder of its programs; empty for those on the {@code PATH}
 */
record NixVersion(Optional<Path> bin) {

  static final NixVersion INSTALLED = new NixVersion(Optional.empty());

  /** Whether user namespaces can be had, as Nix's sandbox needs. */
  static final boolean CAN_SANDBOX = Shell.attempt(List.of("unshare", "-Um", "true")).status() == 0;

  /** Returns the versions that {@code ./test} fetches. */
  static List<NixVersion> others() {
    Map<String, String> environment = System.getenv();
    Path cache =
        Path.of(
            environment.getOrDefault("XDG_CACHE_HOME", System.getProperty("user.home") + "/.cache"),
            "nixery");
    boolean mayBeMissing = "1".equals(environment.get("NIXERY_TEST_NIX_UNFETCHABLE"));
    return Stream.of("nix-trixie/cmd", "nix-sid/cmd")
        .map(cache::resolve)
        .filter(bin -> !mayBeMissing || Files.isDirectory(bin))
        .map(bin -> new NixVersion(Optional.of(bin)))
        .toList();
  }

  String program(String name) {
    return bin.map(folder -> folder.resolve(name).toString()).orElse(name);
  }
}

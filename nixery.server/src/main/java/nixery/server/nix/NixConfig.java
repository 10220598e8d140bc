package nixery.server.nix;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * How Nix is run.
 *
 * @param binFolder the folder of {@code nix-instantiate} and {@code nix-store}; if empty, they are
 *     searched on the {@code PATH}
 * @param storeRoot the folder under which the files of the store lie: the file of {@code
 *     /nix/store/x} is {@code storeRoot/nix/store/x}. {@code /} unless the store is a local one
 *     with a root of its own, as with {@code NIX_REMOTE=/some/folder}
 * @param evaluationTimeout how long one resolution may take
 * @param buildTimeout how long the builder of one derivation may take, in whole seconds
 * @param hiddenVariables the environment variables of this process that Nix and the package set
 *     must not see
 * @param environment additional environment variables for Nix
 * @param rootsFolder a folder that server processes share for garbage collector roots and that is
 *     used for nothing else; made if it is not there
 */
public record NixConfig(
    Optional<Path> binFolder,
    Path storeRoot,
    Duration evaluationTimeout,
    Duration buildTimeout,
    Set<String> hiddenVariables,
    Map<String, String> environment,
    Path rootsFolder) {

  /**
   * Checks the values.
   *
   * @throws IllegalArgumentException if a folder is not absolute or a duration too short
   */
  public NixConfig {
    hiddenVariables = Set.copyOf(hiddenVariables);
    environment = Map.copyOf(environment);
    if (!binFolder.map(Path::isAbsolute).orElse(true)
        || !storeRoot.isAbsolute()
        || !rootsFolder.isAbsolute()) {
      throw new IllegalArgumentException("folders must be absolute");
    }
    if (evaluationTimeout.toSeconds() < 1 || buildTimeout.toSeconds() < 1) {
      throw new IllegalArgumentException("timeouts must be one second or more");
    }
  }

  /**
   * Returns the file or folder of a store path.
   *
   * @param storePath such as {@code /nix/store/…-hello-1.0}
   * @return where its content lies on this machine
   */
  public Path physical(String storePath) {
    return Path.of(storeRoot + "/" + storePath).normalize();
  }
}

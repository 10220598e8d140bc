package nixery.server.nix;

import java.util.Objects;

/**
 * An output of a derivation.
 *
 * @param name its name, such as {@code out}
 * @param path its store path
 */
public record Output(String name, String path) {

  /** Checks that nothing is null. */
  public Output {
    Objects.requireNonNull(name);
    Objects.requireNonNull(path);
  }
}

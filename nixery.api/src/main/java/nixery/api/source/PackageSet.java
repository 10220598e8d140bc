package nixery.api.source;

import java.nio.file.Path;

/**
 * A Nix package set on disk that stays as it is until it is closed.
 *
 * <p>Nix imports the path: a {@code .nix} file, or a folder with a {@code default.nix}, that gives
 * an attribute set or a function from an attribute set (with {@code system}, if it takes that) to
 * one.
 */
public interface PackageSet extends AutoCloseable {

  /**
   * Makes a package set that needs no closing.
   *
   * @param path the absolute path of a file or folder that stays where it is
   * @return the package set
   */
  static PackageSet of(Path path) {
    return new InPlace(path);
  }

  /** Returns the absolute path of the file or folder to be imported. */
  Path path();

  /** Allows the source to delete the files. */
  @Override
  void close();
}

package nixery.server.nix;

import java.nio.file.Path;
import java.util.Collection;
import java.util.SortedSet;
import java.util.function.Consumer;
import nixery.api.ConfigurationException;
import nixery.server.failure.Failure;

/**
 * Drives Nix through {@code nix-instantiate} and {@code nix-store}, 2.8 or newer. Thread-safe;
 * every method blocks, and interrupting the calling thread ends the Nix process and everything it
 * started.
 */
public final class Nix implements AutoCloseable {

  /**
   * Prepares to run Nix.
   *
   * @param config how
   * @throws ConfigurationException if the folder for roots cannot be written
   */
  public Nix(NixConfig config) {}

  /**
   * Tries whether Nix can be run and its store be used.
   *
   * @return Nix's version, such as {@code 2.8.0}
   * @throws ConfigurationException if not
   * @throws InterruptedException if the calling thread is interrupted
   */
  @SuppressWarnings("DoNotCallSuggester")
  public String check() throws InterruptedException {
    throw new UnsupportedOperationException();
  }

  /**
   * Finds packages by name. A dot in a name leads into a nested set. At each level an exact match
   * wins, then the only match when case is ignored; before a leading digit there may be an
   * underscore.
   *
   * @param packageSet what Nix imports: a file, or a folder with a {@code default.nix}
   * @param system the packages' platform, such as {@code x86_64-linux}
   * @param names the names as the client sent them
   * @return an answer for each name
   * @throws Failure if the package set as a whole cannot be evaluated (EVALUATION_FAILED), has
   *     nothing for this system (PACKAGE_UNKNOWN), if it takes too long (EVALUATION_TIMED_OUT), or
   *     if Nix cannot be run (NIX_UNAVAILABLE)
   * @throws InterruptedException if the calling thread is interrupted
   */
  @SuppressWarnings("DoNotCallSuggester")
  public Resolution resolve(Path packageSet, String system, SortedSet<String> names)
      throws InterruptedException {
    throw new UnsupportedOperationException();
  }

  /**
   * Builds or substitutes the outputs of packages that are not in the store yet.
   *
   * @param packages the packages
   * @param log is told each line of the builders' logs and of what Nix does, as it comes and one at
   *     a time; long lines are cut
   * @return what keeps the outputs in the store, for the caller to close
   * @throws Failure if a build fails (BUILD_FAILED) or takes too long (BUILD_TIMED_OUT), or if Nix
   *     cannot be run (NIX_UNAVAILABLE)
   * @throws InterruptedException if the calling thread is interrupted
   */
  @SuppressWarnings("DoNotCallSuggester")
  public GcRoots realise(Collection<Resolved.Found> packages, Consumer<String> log)
      throws InterruptedException {
    throw new UnsupportedOperationException();
  }

  /**
   * Describes the closure of store paths in the format of {@code nix-store --dump-db}: per path its
   * lines are the path, the SHA-256 of its NAR in hexadecimal, the NAR's size in bytes, the deriver
   * (may be empty), the number of references, and the references.
   *
   * @param paths store paths that are in the store
   * @return the registration of each path of the closure
   * @throws Failure if Nix cannot be run or a path is not in the store (NIX_UNAVAILABLE)
   * @throws InterruptedException if the calling thread is interrupted
   */
  @SuppressWarnings("DoNotCallSuggester")
  public String dumpClosure(Collection<String> paths) throws InterruptedException {
    throw new UnsupportedOperationException();
  }

  /** Tells whether the derivation of a package is in the store, so that it can be realised. */
  public boolean hasDerivation(Resolved.Found found) {
    throw new UnsupportedOperationException();
  }

  /** Gives up all garbage collector roots. */
  @Override
  public void close() {}
}

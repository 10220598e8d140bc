package nixery.server.nix;

/** Is told what Nix does while it realises, on one other thread, one thing at a time. */
@FunctionalInterface
public interface NixListener {

  /**
   * Is told a line of a builder's log, or of what Nix does.
   *
   * @param line without control characters; long lines are cut
   */
  void line(String line);

  /**
   * Is told how many derivations are built.
   *
   * @param done how many were built
   * @param all how many are to be built, as far as Nix knows
   */
  default void derivations(long done, long all) {}

  /**
   * Is told how many store paths are fetched from caches.
   *
   * @param done how many were fetched
   * @param all how many are to be fetched, as far as Nix knows
   */
  default void substitutions(long done, long all) {}
}

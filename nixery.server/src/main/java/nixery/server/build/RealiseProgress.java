package nixery.server.build;

import nixery.server.nix.Nix;
import nixery.server.nix.NixListener;
import nixery.server.progress.Build;

/**
 * Passes on what Nix does: to the log in full, to those who look on without paths.
 *
 * @param name of the image
 * @param nix makes lines fit to be shown
 * @param build is told
 */
record RealiseProgress(ImageName name, Nix nix, Build build) implements NixListener {

  private static final System.Logger LOG = System.getLogger(ImageBuilder.class.getName());

  @Override
  public void line(String line) {
    LOG.log(System.Logger.Level.DEBUG, "{0}: {1}", name, line);
    if (build.keepsLog()) {
      build.line(nix.shown(line));
    }
  }

  @Override
  public void derivations(long done, long all) {
    build.derivations(done, all);
  }

  @Override
  public void substitutions(long done, long all) {
    build.substitutions(done, all);
  }
}

package nixery.server.nix;

import java.io.IOException;
import java.nio.file.Path;
import nixery.api.Scratch;

/** Keeps Nix's garbage collector from store paths, with their closures, until it is closed. */
public final class GcRoots implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(GcRoots.class.getName());

  private final Path folder;

  GcRoots(Path folder) {
    this.folder = folder;
  }

  /** Returns where the links to the store paths are. */
  public Path folder() {
    return folder;
  }

  /** Lets the garbage collector have the store paths. */
  @Override
  public void close() {
    try {
      Scratch.deleteTree(folder);
    } catch (IOException e) {
      // What was asked of Nix is done; the next server sweeps what is left.
      LOG.log(System.Logger.Level.WARNING, "cannot delete " + folder, e);
    }
  }
}

package nixery.image;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** The file-system view of packages, as nixpkgs' {@code symlinkJoin} would make it. Immutable. */
public final class LinkTree {

  private LinkTree() {}

  /**
   * Makes the view of some packages.
   *
   * @param packages the packages; where two bring the same file, the first wins
   * @param storeRoot the directory under which {@code nix/store} lies; {@code /} as a rule
   * @return the view
   * @throws IOException if reading a package fails
   */
  public static LinkTree of(List<StorePath> packages, Path storeRoot) throws IOException {
    throw new UnsupportedOperationException(packages + " " + storeRoot);
  }
}

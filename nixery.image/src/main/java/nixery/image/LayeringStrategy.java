package nixery.image;

import java.util.List;
import java.util.SortedSet;

/**
 * Decides which store paths of a closure share a layer. A strategy is a pure function: equal
 * arguments give equal layers. Thread-safe.
 */
public interface LayeringStrategy {

  /**
   * How many bytes of NARs a layer has at least, unless it is the image's only one: 256 KiB, below
   * which a request and an entry in the manifest cost a client more than the bytes.
   */
  long SMALL = 256 << 10;

  /**
   * Returns the strategy of the Nix function, and of the server unless another is chosen. They have
   * to agree to make the same layers.
   */
  static LayeringStrategy standard() {
    return new BigPathsStrategy();
  }

  /** Returns what tells this strategy and its version from others, for keys of what it made. */
  String id();

  /**
   * Divides the closure of some paths among layers.
   *
   * @param graph the reference graph; paths that the roots do not reach are left out
   * @param roots the paths that were asked for
   * @param popularity how popular packages are
   * @param budget the greatest number of layers, at least 1
   * @return the layers in the order in which they belong into the image, those first that most
   *     other images are likely to have too; each path of the closure is in exactly one, and none
   *     has less than {@link #SMALL} bytes unless it is the only one
   * @throws IllegalArgumentException if the budget is less than 1, or a root is not in the graph
   */
  List<Layer> plan(
      ReferenceGraph graph, SortedSet<StorePath> roots, Popularity popularity, int budget);
}

package nixery.server.build;

import java.util.List;
import java.util.Objects;

/**
 * What is in a layer.
 *
 * @param paths store paths; none for the layer of links, which shows the packages under the usual
 *     paths
 */
public record LayerContents(List<Item> paths) {

  /** Copies the list. */
  public LayerContents {
    paths = List.copyOf(paths);
  }

  /**
   * A store path.
   *
   * @param name such as {@code glibc-2.37-8}
   * @param size of its NAR, that is before compression, in bytes
   */
  public record Item(String name, long size) {

    /** Checks that nothing is null. */
    public Item {
      Objects.requireNonNull(name);
    }
  }
}

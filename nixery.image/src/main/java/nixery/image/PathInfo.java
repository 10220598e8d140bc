package nixery.image;

import java.util.Collections;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * What the Nix database knows of a store path.
 *
 * @param path the store path
 * @param narSize the size of its NAR serialisation in bytes
 * @param references the store paths that it refers to; it may be among them
 */
public record PathInfo(StorePath path, long narSize, SortedSet<StorePath> references) {

  /**
   * Copies the references.
   *
   * @throws IllegalArgumentException if the size is negative
   */
  public PathInfo {
    if (narSize < 0) {
      throw new IllegalArgumentException(path + " has a negative NAR size: " + narSize);
    }
    references = Collections.unmodifiableSortedSet(new TreeSet<>(references));
  }
}

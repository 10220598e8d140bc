package nixery.image;

import java.util.Collections;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * What the Nix database knows of a store path.
 *
 * @param path the store path
 * @param narHash the SHA-256 of its NAR serialisation, 64 lower-case hexadecimal digits
 * @param narSize the size of that serialisation in bytes
 * @param references the store paths that it refers to; it may be among them
 */
public record PathInfo(
    StorePath path, String narHash, long narSize, SortedSet<StorePath> references) {

  private static final Pattern HASH = Pattern.compile("[0-9a-f]{64}");

  /**
   * Copies the references.
   *
   * @throws IllegalArgumentException if the hash has another form or the size is negative
   */
  public PathInfo {
    if (!HASH.matcher(narHash).matches()) {
      throw new IllegalArgumentException(path + " has no SHA-256 as its NAR hash: " + narHash);
    }
    if (narSize < 0) {
      throw new IllegalArgumentException(path + " has a negative NAR size: " + narSize);
    }
    references = Collections.unmodifiableSortedSet(new TreeSet<>(references));
  }
}

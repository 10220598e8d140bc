package nixery.image;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Collections;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * A set of store paths that are packed together. The bytes of the packed layer are a function of
 * this set.
 *
 * @param paths the store paths, at least one
 */
public record Layer(SortedSet<StorePath> paths) {

  /**
   * Copies the paths.
   *
   * @throws IllegalArgumentException if there are none
   */
  public Layer {
    paths = Collections.unmodifiableSortedSet(new TreeSet<>(paths));
    if (paths.isEmpty()) {
      throw new IllegalArgumentException("a layer without store paths");
    }
  }

  /**
   * Returns the key under which the packed layer can be kept: it covers the paths, the form of the
   * archive and the parameters of its compression. It is not the digest of the packed layer.
   */
  public Digest id() {
    MessageDigest sha256 = Digest.sha256();
    sha256.update((LayerPacker.FORMAT + '\n').getBytes(StandardCharsets.UTF_8));
    for (StorePath path : paths) {
      sha256.update((path.toString() + '\n').getBytes(StandardCharsets.UTF_8));
    }
    return Digest.of(sha256);
  }
}

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
   * Returns the key under which the packed layer can be kept. It is not the digest of the packed
   * layer.
   *
   * @param format one of the packer's, {@link LayerPacker#format} or {@link LayerPacker#family}
   * @return a key that covers the paths and the format
   */
  public Digest id(String format) {
    MessageDigest sha256 = Digest.sha256();
    sha256.update((format + '\n').getBytes(StandardCharsets.UTF_8));
    for (StorePath path : paths) {
      sha256.update((path.toString() + '\n').getBytes(StandardCharsets.UTF_8));
    }
    return Digest.of(sha256);
  }
}

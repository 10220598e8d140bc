package nixery.image;

import java.nio.file.Path;

/**
 * A layer that was packed into a file.
 *
 * @param file the compressed archive; the caller's to move or delete
 * @param digest of the file
 * @param size of the file in bytes
 * @param diffId the digest of the archive before compression
 * @param compression of the archive
 */
public record PackedLayer(
    Path file, Digest digest, long size, Digest diffId, Compression compression) {

  /** Returns what remains to be known when the file has been stored. */
  public PackedLayerInfo info() {
    return new PackedLayerInfo(digest, size, diffId, compression);
  }
}

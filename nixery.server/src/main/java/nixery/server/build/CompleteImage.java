package nixery.server.build;

import java.util.List;
import nixery.image.Digest;

/**
 * An image and what must be in the storage for it to be pulled.
 *
 * @param image its manifests
 * @param blobs its layers and config
 */
record CompleteImage(Image image, List<Blob> blobs) {

  /** Copies the list. */
  CompleteImage {
    blobs = List.copyOf(blobs);
  }

  /**
   * A layer or config.
   *
   * @param digest of it
   * @param size in bytes
   */
  record Blob(Digest digest, long size) {}
}

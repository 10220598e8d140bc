package nixery.server.build;

import java.util.List;
import java.util.Optional;
import nixery.image.Digest;

/**
 * What an image consists of.
 *
 * @param manifest the digest of its manifest in OCI's form
 * @param layers lowest first
 */
public record ImageDetails(Digest manifest, List<Layer> layers) {

  /** Copies the list. */
  public ImageDetails {
    layers = List.copyOf(layers);
  }

  /**
   * A layer.
   *
   * @param digest of the blob
   * @param size of the blob, that is compressed, in bytes
   * @param contents what is in it; empty if that was not noted down
   * @param sharedWith other images that were served lately and have it, some of them
   */
  public record Layer(
      Digest digest, long size, Optional<LayerContents> contents, List<String> sharedWith) {

    /** Copies the list. */
    public Layer {
      sharedWith = List.copyOf(sharedWith);
    }
  }

  /** Returns the size of all layers, compressed, in bytes. */
  public long size() {
    return layers.stream().mapToLong(Layer::size).sum();
  }
}

package nixery.image;

import java.util.Locale;
import java.util.Optional;

/** How the archives of layers are compressed. */
public enum Compression {

  /** RFC 1952. What every client reads, in Docker's and in OCI's manifests. */
  GZIP(MediaTypes.OCI_LAYER_GZIP, Optional.of(MediaTypes.DOCKER_LAYER), 5, 9),

  /** RFC 8878. Only OCI's manifests can name such layers. */
  ZSTD(MediaTypes.OCI_LAYER_ZSTD, Optional.empty(), 2, 19);

  private final String ociLayerType;
  private final Optional<String> dockerLayerType;
  private final int defaultLevel;
  private final int highestLevel;

  Compression(
      String ociLayerType, Optional<String> dockerLayerType, int defaultLevel, int highestLevel) {
    this.ociLayerType = ociLayerType;
    this.dockerLayerType = dockerLayerType;
    this.defaultLevel = defaultLevel;
    this.highestLevel = highestLevel;
  }

  /** Returns the media type of such layers in OCI's manifests. */
  public String ociLayerType() {
    return ociLayerType;
  }

  /** Returns the media type of such layers in Docker's manifests, if there is one. */
  public Optional<String> dockerLayerType() {
    return dockerLayerType;
  }

  /** Returns the level that is used unless another is asked for. */
  public int defaultLevel() {
    return defaultLevel;
  }

  /** Returns the highest level; the lowest is 1. */
  public int highestLevel() {
    return highestLevel;
  }

  /** Returns the name as it is used in settings: in lower case. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}

package nixery.image;

/**
 * The media types of images. Docker's are from its "Image Manifest Version 2, Schema 2"; OCI's from
 * the <a href="https://github.com/opencontainers/image-spec/blob/v1.1.0/media-types.md">OCI image
 * specification, version 1.1</a>.
 */
public final class MediaTypes {

  /** Docker's manifest of one image. */
  public static final String DOCKER_MANIFEST =
      "application/vnd.docker.distribution.manifest.v2+json";

  /** Docker's list of the manifests that an image has for different platforms. */
  public static final String DOCKER_LIST =
      "application/vnd.docker.distribution.manifest.list.v2+json";

  /** Docker's image configuration. */
  public static final String DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json";

  /** A layer, in Docker's manifests: compressed with gzip. */
  public static final String DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip";

  /** OCI's manifest of one image. */
  public static final String OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";

  /** OCI's index of the manifests that an image has for different platforms, among other things. */
  public static final String OCI_INDEX = "application/vnd.oci.image.index.v1+json";

  /** OCI's image configuration. */
  public static final String OCI_CONFIG = "application/vnd.oci.image.config.v1+json";

  /** A layer that is compressed with gzip, in OCI's manifests. */
  public static final String OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip";

  /** A layer that is compressed with zstd, in OCI's manifests. */
  public static final String OCI_LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd";

  private MediaTypes() {}
}

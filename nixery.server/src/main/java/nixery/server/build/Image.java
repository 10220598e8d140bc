package nixery.server.build;

import java.util.Optional;
import nixery.image.Document;
import nixery.image.MediaTypes;

/**
 * An image whose layers are all in the storage.
 *
 * @param docker its manifest in Docker's image manifest version 2, schema 2; empty if its layers
 *     are compressed as such manifests cannot say
 * @param oci its manifest in the OCI image specification's form
 */
public record Image(Optional<Document> docker, Document oci) {

  /**
   * Returns the manifest in one of the forms that it has.
   *
   * @param form its media type
   */
  Document manifest(String form) {
    return form.equals(MediaTypes.DOCKER_MANIFEST) ? docker.orElseThrow() : oci;
  }
}

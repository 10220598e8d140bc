package nixery.server.build;

import nixery.image.Document;

/**
 * An image whose layers are all in the storage.
 *
 * @param docker its manifest in Docker's image manifest version 2, schema 2
 * @param oci its manifest in the OCI image specification's form
 */
public record Image(Document docker, Document oci) {}

package nixery.image;

/**
 * What the documents of an image say of a layer.
 *
 * @param digest of the compressed archive
 * @param size of the compressed archive in bytes
 * @param diffId the digest of the archive before compression
 * @param compression of the archive, from which follows the media type
 */
public record PackedLayerInfo(Digest digest, long size, Digest diffId, Compression compression) {}

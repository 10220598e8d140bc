package nixery.image;

import java.util.Arrays;

/**
 * A JSON document of an image.
 *
 * @param mediaType one of {@link MediaTypes}
 * @param digest of the bytes
 * @param bytes the text in UTF-8; not to be changed
 */
@SuppressWarnings("ArrayRecordComponent") // equality is written out below
public record Document(String mediaType, Digest digest, byte[] bytes) {

  /**
   * Takes bytes for a document.
   *
   * @param mediaType one of {@link MediaTypes}
   * @param bytes the text in UTF-8; not to be changed
   * @return the document
   */
  public static Document of(String mediaType, byte[] bytes) {
    return new Document(mediaType, Digest.of(bytes), bytes);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Document(String otherType, Digest otherDigest, byte[] otherBytes)
        && mediaType.equals(otherType)
        && digest.equals(otherDigest)
        && Arrays.equals(bytes, otherBytes);
  }

  @Override
  public int hashCode() {
    return digest.hashCode();
  }

  @Override
  public String toString() {
    return mediaType + " " + digest;
  }
}

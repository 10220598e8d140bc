package nixery.server.build;

import java.util.Arrays;
import nixery.image.Digest;

/**
 * A manifest as it is sent.
 *
 * @param mediaType Docker's or OCI's
 * @param digest of the bytes
 * @param bytes the JSON text; not to be changed
 */
@SuppressWarnings("ArrayRecordComponent") // equality is written out below
public record Manifest(String mediaType, Digest digest, byte[] bytes) {

  @Override
  public boolean equals(Object other) {
    return other instanceof Manifest(String otherType, Digest otherDigest, byte[] otherBytes)
        && mediaType.equals(otherType)
        && digest.equals(otherDigest)
        && Arrays.equals(bytes, otherBytes);
  }

  @Override
  public int hashCode() {
    return digest.hashCode();
  }
}

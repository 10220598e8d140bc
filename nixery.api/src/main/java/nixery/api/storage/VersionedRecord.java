package nixery.api.storage;

import java.util.Arrays;
import java.util.Objects;

/**
 * A record as it was read, with what is needed to replace it only if nobody else did meanwhile.
 *
 * @param bytes the value; not to be changed
 * @param version what {@link Storage#writeRecord} and {@link Storage#removeRecord} compare; it
 *     means something to the storage alone
 */
@SuppressWarnings("ArrayRecordComponent") // equality is written out below
public record VersionedRecord(byte[] bytes, String version) {

  /** Checks that nothing is null. */
  public VersionedRecord {
    Objects.requireNonNull(bytes);
    Objects.requireNonNull(version);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof VersionedRecord(byte[] otherBytes, String otherVersion)
        && Arrays.equals(bytes, otherBytes)
        && version.equals(otherVersion);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes) * 31 + version.hashCode();
  }
}

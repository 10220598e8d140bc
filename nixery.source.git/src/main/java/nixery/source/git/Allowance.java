package nixery.source.git;

import nixery.api.source.InvalidPackageSetException;

/**
 * How much one export may still write. A few kilobytes of git objects can stand for more files than
 * any disk holds. For one thread.
 */
final class Allowance {

  private static final long MOST_ENTRIES = 2_000_000;
  private static final long MOST_BYTES = 32L << 30;

  private long entries;
  private long bytes;

  void takeEntry() {
    if (++entries > MOST_ENTRIES) {
      throw new InvalidPackageSetException("it has more than " + MOST_ENTRIES + " files");
    }
  }

  void takeBytes(long length) {
    bytes += length;
    if (bytes > MOST_BYTES) {
      throw new InvalidPackageSetException("its files are larger than " + MOST_BYTES + " bytes");
    }
  }
}

package nixery.image;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Random;
import java.util.function.Supplier;

/**
 * A compression at a level, as one implementation does it. All implementations of a compression
 * make what all clients read, but not the same bytes, nor do versions of one: so each is known by a
 * fingerprint of what it makes.
 *
 * <p>gzip is done by libdeflate where the machine has it, and else by the zlib of the Java runtime;
 * zstd by libzstd. The module needs native access for both libraries. Thread-safe.
 */
public final class Codec {

  /** How long the sample is of which fingerprints are taken, in bytes. */
  private static final int SAMPLE = 1 << 17;

  private static final int FINGERPRINT = 12; // digits of a SHA-256

  private final Compression compression;
  private final int level;
  private final String implementation;
  private final Supplier<Compressor> compressors;
  private volatile Optional<String> fingerprint = Optional.empty();

  /**
   * Names an implementation.
   *
   * @param compressors makes one that nobody else uses
   */
  Codec(
      Compression compression, int level, String implementation, Supplier<Compressor> compressors) {
    if (level < 1 || level > compression.highestLevel()) {
      throw new IllegalArgumentException(
          "%s has levels from 1 to %d, not %d"
              .formatted(compression, compression.highestLevel(), level));
    }
    this.compression = compression;
    this.level = level;
    this.implementation = implementation;
    this.compressors = compressors;
  }

  /**
   * Chooses an implementation.
   *
   * @param compression what to make
   * @param level how hard to try, from 1 to {@link Compression#highestLevel()}
   * @param library the file of libdeflate or libzstd; if there is none, the dynamic linker looks
   *     for it
   * @return a codec whose library has what is needed
   * @throws CodecException if the library is needed and cannot be used
   * @throws IllegalArgumentException if there is no such level
   */
  public static Codec open(Compression compression, int level, Optional<Path> library) {
    return switch (compression) {
      case GZIP -> {
        try {
          yield libdeflate(level, library);
        } catch (CodecException e) {
          if (library.isPresent()) {
            throw e;
          }
          yield java(level);
        }
      }
      case ZSTD -> zstd(level, library);
    };
  }

  static Codec libdeflate(int level, Optional<Path> file) {
    NativeLibrary library = NativeLibrary.load(Libdeflate.LIBRARY, file);
    Libdeflate libdeflate = new Libdeflate(library);
    return new Codec(
        Compression.GZIP, level, library.toString(), () -> libdeflate.compressor(level));
  }

  /**
   * Returns gzip by the zlib of the Java runtime, which is there always, and slower than
   * libdeflate.
   *
   * @param level how hard to try
   * @return the codec
   */
  public static Codec java(int level) {
    return new Codec(Compression.GZIP, level, "java.util.zip", () -> new JavaGzip(level));
  }

  private static Codec zstd(int level, Optional<Path> file) {
    NativeLibrary library;
    try {
      library = NativeLibrary.load(Zstd.LIBRARY, file);
    } catch (CodecException e) {
      throw new CodecException(
          e.getMessage() + ": install libzstd (Debian's package is libzstd1), or say where it is",
          e);
    }
    Zstd zstd = new Zstd(library);
    return new Codec(Compression.ZSTD, level, library.toString(), () -> zstd.compressor(level));
  }

  /** Taken when it is first asked for, since the first call of a library takes its time. */
  private String fingerprint() {
    if (fingerprint.isEmpty()) { // who comes at the same time gets the same
      try {
        fingerprint = Optional.of(fingerprint(compressors));
      } catch (IllegalStateException e) {
        throw new CodecException(implementation + " cannot be used: " + e.getMessage(), e);
      }
    }
    return fingerprint.get();
  }

  /** Returns the start of the digest of a compressed sample: of words, and of noise. */
  private static String fingerprint(Supplier<Compressor> compressors) {
    try (Arena arena = Arena.ofConfined();
        Compressor compressor = compressors.get()) {
      MemorySegment sample = arena.allocate(SAMPLE);
      Random random = new Random(1); // whose algorithm is specified
      byte[] words = new byte[1 << 12];
      random.nextBytes(words);
      int end = 0;
      while (end < SAMPLE) {
        int length = Math.min(SAMPLE - end, 1 + random.nextInt(1 << random.nextInt(9)));
        int from = random.nextInt(1 << (4 + random.nextInt(8)));
        MemorySegment.copy(words, from, sample, ValueLayout.JAVA_BYTE, end, length);
        end += length;
      }
      MemorySegment out = arena.allocate(SAMPLE + Compressor.SLACK);
      int length = compressor.compress(sample, out);
      return Digest.of(out.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE))
          .hex()
          .substring(0, FINGERPRINT);
    }
  }

  /** Returns what it makes. */
  public Compression compression() {
    return compression;
  }

  /**
   * Returns what is common to all implementations: layers with this in their keys serve the same
   * clients, and are about as small.
   */
  public String family() {
    return compression + "-" + level;
  }

  /**
   * Returns a text that is different if the bytes are: with the implementation's fingerprint, which
   * is taken when it is asked for first.
   *
   * @return the text
   * @throws CodecException if the implementation fails
   */
  public String id() {
    return family() + " " + fingerprint();
  }

  /** Returns what to tell people: what is used, at which level. */
  @Override
  public String toString() {
    return "%s level %d by %s (%s)".formatted(compression, level, implementation, fingerprint());
  }

  /**
   * Makes a compressor.
   *
   * @throws IllegalStateException if there is no memory for it
   */
  Compressor compressor() {
    return compressors.get();
  }
}

package nixery.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import nixery.property.Property;
import nixery.property.Samples;
import org.junit.jupiter.api.Test;

/** What is compressed is read by the command-line tools, and by the Java runtime. */
class CodecTests {

  private static final Optional<Path> ANYWHERE = Optional.empty();

  private static final Codec LIBDEFLATE = Codec.libdeflate(5, ANYWHERE);
  private static final Codec JAVA = Codec.java(5);
  private static final Codec ZSTD = Codec.open(Compression.ZSTD, 3, ANYWHERE);

  /** Returns a length around those of blocks, or another. */
  private static int length(Samples samples) {
    return switch (samples.between(0, 3)) {
      case 0 -> samples.between(0, 3000);
      case 1 -> samples.between(BlockPool.BLOCK - 2, BlockPool.BLOCK + 2);
      case 2 -> samples.between(2 * BlockPool.BLOCK - 2, 2 * BlockPool.BLOCK + 2);
      default -> samples.between(0, 4 * BlockPool.BLOCK);
    };
  }

  @Test
  void bytesDependOnWhatIsWrittenAloneAndAreReadBack() {
    Property.holds(
        25,
        samples -> {
          int alphabet = samples.between(1, 256);
          int repetition = samples.between(0, 100);
          byte[] plain = bytes(samples.random(), length(samples), alphabet, repetition);
          assertCompressed(
              samples.of(List.of(LIBDEFLATE, JAVA, ZSTD)),
              samples.between(2, 4),
              plain,
              samples.random());
        });
  }

  private static void assertCompressed(Codec codec, int threads, byte[] plain, Random random)
      throws Exception {
    ByteArrayOutputStream compressed = new ByteArrayOutputStream();
    PackedLayerInfo packed = compress(codec, threads, plain, random, compressed);
    byte[] bytes = compressed.toByteArray();

    assertThat(packed)
        .isEqualTo(
            new PackedLayerInfo(
                Digest.of(bytes), bytes.length, Digest.of(plain), codec.compression()));
    ByteArrayOutputStream again = new ByteArrayOutputStream();
    compress(codec, 1, plain, random, again);
    assertThat(again.toByteArray()).isEqualTo(bytes);
    if (plain.length > 0) {
      assertThat(decompress(codec.compression().toString(), bytes)).isEqualTo(Digest.of(plain));
      if (codec.compression() == Compression.GZIP) {
        assertThat(new GZIPInputStream(new ByteArrayInputStream(bytes)).readAllBytes())
            .isEqualTo(plain);
      }
    }
  }

  /** Writes in pieces of any length. */
  private static PackedLayerInfo compress(
      Codec codec, int threads, byte[] plain, Random random, ByteArrayOutputStream out)
      throws IOException {
    try (BlockPool pool = new BlockPool(codec, threads);
        BlockStream blocks = new BlockStream(Channels.newChannel(out), pool)) {
      for (int i = 0; i < plain.length; ) {
        int count = Math.min(plain.length - i, 1 + random.nextInt(1 << (1 + random.nextInt(22))));
        blocks.write(plain, i, count);
        i += count;
      }
      return blocks.finish();
    }
  }

  /** Returns the digest of what a tool reads. */
  private static Digest decompress(String tool, byte[] bytes) throws Exception {
    Path file = Files.createTempFile("compressed", "");
    Path plain = Files.createTempFile("plain", "");
    try {
      Files.write(file, bytes);
      String command = tool + " -dc < " + file + " > " + plain;
      Tool.run(Path.of("/"), "sh", "-c", command);
      return Digest.of(Files.readAllBytes(plain));
    } finally {
      Files.delete(file);
      Files.delete(plain);
    }
  }

  /** Bytes that are repetitive to any degree, over alphabets of any size. */
  private static byte[] bytes(Random random, int length, int alphabet, int repetition) {
    byte[] bytes = new byte[length];
    int i = 0;
    while (i < length) {
      if (i > 0 && random.nextInt(100) < repetition) {
        int distance = 1 + random.nextInt(Math.min(i, 1 << (1 + random.nextInt(21))));
        for (int count = 3 + random.nextInt(random.nextInt(300) + 1); count > 0; count--) {
          if (i < length) {
            bytes[i] = bytes[i - distance];
            i++;
          }
        }
      } else {
        bytes[i++] = (byte) random.nextInt(alphabet);
      }
    }
    return bytes;
  }

  @Test
  void everyLevelWorksAndHasItsFingerprint() throws Exception {
    byte[] plain = bytes(new Random(1), 300_000, 200, 60);
    for (Compression compression : Compression.values()) {
      for (int level = 1; level <= compression.highestLevel(); level++) {
        Codec codec = Codec.open(compression, level, ANYWHERE);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        compress(codec, 1, plain, new Random(1), out);
        assertThat(decompress(compression.toString(), out.toByteArray()))
            .isEqualTo(Digest.of(plain));
        assertThat(codec.family()).isEqualTo(compression + "-" + level);
        assertThat(codec.id()).startsWith(codec.family() + " ");
        assertThat(Codec.open(compression, level, ANYWHERE).id()).isEqualTo(codec.id());
      }
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Codec.open(compression, 0, ANYWHERE))
          .withMessageContaining("levels from 1 to");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Codec.open(compression, compression.highestLevel() + 1, ANYWHERE));
    }
  }

  @Test
  void gzipIsByLibdeflateWhereItIsInstalled() {
    Codec gzip = Codec.open(Compression.GZIP, 5, ANYWHERE);
    assertThat(gzip.id()).isEqualTo(LIBDEFLATE.id()).isNotEqualTo(JAVA.id());
    assertThat(gzip.family()).isEqualTo(JAVA.family());
    assertThat(gzip.toString()).startsWith("gzip level 5 by libdeflate.so.0 (");
    assertThat(JAVA.toString()).startsWith("gzip level 5 by java.util.zip (");
  }

  @Test
  void libraryCanBeNamed() throws IOException {
    Path file = library("libdeflate.so.0");
    assertThat(Codec.open(Compression.GZIP, 5, Optional.of(file)).id()).isEqualTo(LIBDEFLATE.id());
    assertThatExceptionOfType(CodecException.class)
        .isThrownBy(() -> Codec.open(Compression.ZSTD, 3, Optional.of(file)))
        .withMessageContaining(file.toString())
        .withMessageContaining("ZSTD_createCCtx");
    for (Compression compression : Compression.values()) {
      assertThatExceptionOfType(CodecException.class)
          .isThrownBy(() -> Codec.open(compression, 1, Optional.of(Path.of("/no/such/library"))))
          .withMessageContaining("/no/such/library cannot be loaded");
    }
  }

  private static Path library(String name) throws IOException {
    try (Stream<Path> files =
        Files.find(Path.of("/usr/lib"), 2, (file, _) -> file.endsWith(name))) {
      return files.findFirst().orElseThrow();
    }
  }

  /** Counts the compressors that are open, and fails to make more than a number of them. */
  private static final class Counted implements Supplier<Compressor> {
    final AtomicInteger open = new AtomicInteger();
    final AtomicInteger left = new AtomicInteger(1000);
    final AtomicInteger most = new AtomicInteger();

    @Override
    public Compressor get() {
      if (left.decrementAndGet() < 0) {
        throw new IllegalStateException("no memory");
      }
      Compressor real = LIBDEFLATE.compressor();
      most.accumulateAndGet(open.incrementAndGet(), Math::max);
      return new Compressor() {
        @Override
        public int compress(MemorySegment in, MemorySegment out) {
          return real.compress(in, out);
        }

        @Override
        public void close() {
          real.close();
          open.decrementAndGet();
        }
      };
    }
  }

  @Test
  void whatFailsLeavesNoNativeMemory() throws IOException {
    Counted counted = new Counted();
    Codec codec = new Codec(Compression.GZIP, 5, "counted", counted);
    byte[] plain = bytes(new Random(1), 20 << 20, 256, 50);
    BlockPool.Block block;
    try (BlockPool pool = new BlockPool(codec, 3)) {
      assertThatIOException()
          .isThrownBy(() -> pack(pool, new Full(), plain))
          .withMessageContaining("no space");
      Thread.currentThread().interrupt();
      WritableByteChannel nowhere = Channels.newChannel(new ByteArrayOutputStream());
      assertThatIOException().isThrownBy(() -> pack(pool, nowhere, plain));
      assertThat(Thread.interrupted()).isTrue();
      // All blocks are there for what comes next.
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      assertThat(pack(pool, Channels.newChannel(out), plain).diffId()).isEqualTo(Digest.of(plain));
      block = pool.take();
      pool.giveBack(block);
    }
    assertThat(counted.most.get()).isBetween(1, 3);
    assertThat(counted.open).hasValue(0);
    assertThatIllegalStateException().isThrownBy(() -> block.filled.get(0));
  }

  @Test
  void aCompressorThatCannotBeMadeIsAFailure() {
    Counted counted = new Counted();
    Codec codec = new Codec(Compression.GZIP, 5, "counted", counted);
    byte[] plain = new byte[10 << 20];
    try (BlockPool pool = new BlockPool(codec, 2)) {
      counted.left.set(0);
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      assertThatIOException()
          .isThrownBy(() -> pack(pool, Channels.newChannel(out), plain))
          .withMessageStartingWith("compression failed: ")
          .withStackTraceContaining("no memory");
    }
    assertThat(counted.open).hasValue(0);
  }

  private static PackedLayerInfo pack(BlockPool pool, WritableByteChannel out, byte[] plain)
      throws IOException {
    try (BlockStream blocks = new BlockStream(out, pool)) {
      blocks.write(plain, 0, plain.length);
      return blocks.finish();
    }
  }

  /** A disk on which there is room for a little. */
  private static final class Full implements WritableByteChannel {
    private int room = 1 << 16;

    @Override
    public int write(ByteBuffer bytes) throws IOException {
      int count = bytes.remaining();
      room -= count;
      if (room < 0) {
        throw new IOException("no space left");
      }
      bytes.position(bytes.limit());
      return count;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }
}

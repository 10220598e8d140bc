package nixery.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** What is compressed here is read by zlib. */
class DeflateEncoderTests {

  private final DeflateEncoder encoder = new DeflateEncoder();

  @Property(tries = 300)
  void zlibReadsItBack(@ForAll byte[] bytes) throws DataFormatException {
    roundTrip(bytes);
  }

  /** Bytes that are repetitive to any degree, over alphabets of any size. */
  @Property(tries = 300)
  void zlibReadsLongBlocksBack(
      @ForAll Random random,
      @ForAll @IntRange(max = 1 << 17) int length,
      @ForAll @IntRange(min = 1, max = 256) int alphabet,
      @ForAll @IntRange(max = 100) int repetition)
      throws DataFormatException {
    roundTrip(bytes(random, length, alphabet, repetition));
  }

  @Example
  void takesWholeBlocks() throws DataFormatException {
    Random random = new Random(1);
    for (int repetition : new int[] {0, 1, 50, 100}) {
      roundTrip(bytes(random, DeflateEncoder.MOST_INPUT, 256, repetition));
    }
    roundTrip(new byte[DeflateEncoder.MOST_INPUT]);
  }

  /** Without a limit, the codes of these would be longer than 15 bits. */
  @Example
  void limitsTheLengthOfCodes() throws DataFormatException {
    byte[] bytes = new byte[400_000];
    int length = 0;
    int count = 1;
    int before = 1;
    for (int symbol = 0; length + count <= bytes.length; symbol++) {
      Arrays.fill(bytes, length, length + count, (byte) symbol);
      length += count;
      int next = count + before;
      before = count;
      count = next;
    }
    byte[] mixed = Arrays.copyOf(bytes, length);
    Random random = new Random(2);
    for (int i = length - 1; i > 0; i--) {
      int other = random.nextInt(i + 1);
      byte swapped = mixed[i];
      mixed[i] = mixed[other];
      mixed[other] = swapped;
    }
    roundTrip(mixed);
  }

  @Property(tries = 200)
  void codesAreCompleteAndWithinTheLimit(
      @ForAll Random random, @ForAll @IntRange(min = 7, max = 15) int limit) {
    HuffmanCode code = new HuffmanCode(100, limit);
    for (int i = random.nextInt(100); i > 0; i--) {
      code.frequencies[random.nextInt(100)] = 1 << random.nextInt(14);
    }
    code.build();

    int sum = 0;
    for (int symbol = 0; symbol < 100; symbol++) {
      int length = code.lengths[symbol];
      assertThat(length).isBetween(0, limit);
      assertThat(length > 0).isEqualTo(code.frequencies[symbol] > 0);
      sum += length > 0 ? 1 << (limit - length) : 0;
    }
    assertThat(sum).isEqualTo(1 << limit);
  }

  /** On a real program, as layers contain them. */
  @Example
  void isAboutAsSmallAsZlib() throws DataFormatException, IOException {
    byte[] bytes;
    try (InputStream library =
        Files.newInputStream(Path.of(System.getProperty("java.home"), "lib/server/libjvm.so"))) {
      library.skipNBytes(8 << 20);
      bytes = library.readNBytes(DeflateEncoder.MOST_INPUT);
    }
    Deflater zlib = new Deflater(6, true);
    zlib.setInput(bytes);
    zlib.finish();
    int size = zlib.deflate(new byte[2 * DeflateEncoder.MOST_INPUT]);
    zlib.end();
    assertThat(roundTrip(bytes)).isLessThan(size + size / 50);
  }

  private static byte[] bytes(Random random, int length, int alphabet, int repetition) {
    byte[] bytes = new byte[length];
    int i = 0;
    while (i < length) {
      if (i > 0 && random.nextInt(100) < repetition) {
        int distance = 1 + random.nextInt(Math.min(i, 1 << (1 + random.nextInt(17))));
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

  private int roundTrip(byte[] bytes) throws DataFormatException {
    byte[] in = Arrays.copyOf(bytes, bytes.length + DeflateEncoder.INPUT_SLACK);
    byte[] out = new byte[bytes.length + DeflateEncoder.OUTPUT_SLACK];
    int size = encoder.encode(in, bytes.length, out);
    assertThat(size).isLessThan(bytes.length + DeflateEncoder.OUTPUT_SLACK - Long.BYTES);

    byte[] stream = Arrays.copyOf(out, size + DeflateEncoder.END.length);
    System.arraycopy(DeflateEncoder.END, 0, stream, size, DeflateEncoder.END.length);
    Inflater inflater = new Inflater(true);
    inflater.setInput(stream);
    byte[] back = new byte[bytes.length + 1];
    int length = 0;
    while (!inflater.finished()) {
      int count = inflater.inflate(back, length, back.length - length);
      assertThat(count > 0 || inflater.finished()).isTrue();
      length += count;
    }
    assertThat(inflater.getRemaining()).isZero();
    inflater.end();
    assertThat(Arrays.equals(back, 0, length, bytes, 0, bytes.length)).isTrue();
    return size;
  }
}

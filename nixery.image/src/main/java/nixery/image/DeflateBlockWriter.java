package nixery.image;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Writes literals and matches as blocks of a DEFLATE stream (RFC 1951, section 3.2), each with
 * dynamic Huffman codes, or stored where that is shorter. Not thread-safe.
 */
final class DeflateBlockWriter {

  /** How many literals and matches share their codes. */
  private static final int MOST_TOKENS = 1 << 14;

  private static final int END_OF_BLOCK = 256;
  private static final int STORED_LIMIT = 0xffff;

  private static final int[] LENGTH_EXTRA = {
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0
  };
  private static final int[] DISTANCE_EXTRA = {
    0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13
  };

  /** The order in which the lengths of the code for code lengths are written. */
  private static final int[] LENGTHS_ORDER = {
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15
  };

  private static final int[] LENGTH_BASE = new int[LENGTH_EXTRA.length];
  private static final int[] DISTANCE_BASE = new int[DISTANCE_EXTRA.length];
  private static final byte[] LENGTH_SYMBOL = new byte[259];
  private static final byte[] NEAR_SYMBOL = new byte[257]; // distances up to 256
  private static final byte[] FAR_SYMBOL = new byte[256]; // (distance - 1) / 128

  static {
    int length = 3;
    for (int symbol = 0; symbol < LENGTH_EXTRA.length - 1; symbol++) {
      LENGTH_BASE[symbol] = length;
      for (int i = 0; i < 1 << LENGTH_EXTRA[symbol]; i++) {
        LENGTH_SYMBOL[Math.min(length++, 258)] = (byte) symbol;
      }
    }
    LENGTH_BASE[28] = 258; // which has a symbol of its own
    LENGTH_SYMBOL[258] = 28;
    int distance = 1;
    for (int symbol = 0; symbol < DISTANCE_EXTRA.length; symbol++) {
      DISTANCE_BASE[symbol] = distance;
      for (int i = 0; i < 1 << DISTANCE_EXTRA[symbol]; i++, distance++) {
        if (distance <= 256) {
          NEAR_SYMBOL[distance] = (byte) symbol;
        } else {
          FAR_SYMBOL[(distance - 1) >>> 7] = (byte) symbol;
        }
      }
    }
  }

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private final int[] tokens = new int[MOST_TOKENS]; // a distance and a length, or 0 and a byte
  private int tokenCount;

  private final HuffmanCode literals = new HuffmanCode(286, 15); // and lengths
  private final HuffmanCode distances = new HuffmanCode(30, 15);
  private final HuffmanCode codeLengths = new HuffmanCode(19, 7);
  private final int[] header = new int[286 + 30]; // code lengths, shortened: a symbol, extra bits
  private int headerCount;

  private byte[] in = {};
  private int blockStart; // where what the tokens stand for begins
  private int blockEnd;

  private byte[] out = {};
  private int position;
  private long bits;
  private int bitCount; // less than 8 between writes

  /** Begins a piece that consists of the bytes from the beginning of an array. */
  void start(byte[] input, byte[] output) {
    in = input;
    out = output;
    blockStart = 0;
    blockEnd = 0;
    position = 0;
    bits = 0;
    bitCount = 0;
    clear();
  }

  private void clear() {
    tokenCount = 0;
    literals.clear();
    distances.clear();
  }

  void literal(byte value) {
    int symbol = value & 0xff;
    literals.frequencies[symbol]++;
    blockEnd++;
    add(symbol);
  }

  void match(int length, int distance) {
    literals.frequencies[END_OF_BLOCK + 1 + LENGTH_SYMBOL[length]]++;
    distances.frequencies[distanceSymbol(distance)]++;
    blockEnd += length;
    add((distance << 9) | length);
  }

  private static int distanceSymbol(int distance) {
    return distance <= 256 ? NEAR_SYMBOL[distance] : FAR_SYMBOL[(distance - 1) >>> 7];
  }

  private void add(int token) {
    tokens[tokenCount++] = token;
    if (tokenCount == MOST_TOKENS) {
      writeBlock();
    }
  }

  /** Ends the piece at a byte, with an empty stored block, and returns its length. */
  int finish() {
    if (tokenCount > 0) {
      writeBlock();
    }
    writeStored(0, 0);
    return position;
  }

  private void writeBlock() {
    literals.frequencies[END_OF_BLOCK]++;
    literals.build();
    distances.build();
    shortenHeader();
    codeLengths.build();
    int size = blockEnd - blockStart;
    long stored = 8L * size + 5 * 8L * (size / STORED_LIMIT + 1);
    if (dynamicBits() < stored) {
      writeHeader();
      writeTokens();
    } else {
      for (int start = blockStart; start < blockEnd; start += STORED_LIMIT) {
        writeStored(start, Math.min(blockEnd, start + STORED_LIMIT));
      }
    }
    blockStart = blockEnd;
    clear();
  }

  private long dynamicBits() {
    long extra = 0;
    for (int symbol = 0; symbol < LENGTH_EXTRA.length; symbol++) {
      extra += (long) literals.frequencies[END_OF_BLOCK + 1 + symbol] * LENGTH_EXTRA[symbol];
    }
    for (int symbol = 0; symbol < DISTANCE_EXTRA.length; symbol++) {
      extra += (long) distances.frequencies[symbol] * DISTANCE_EXTRA[symbol];
    }
    long most = 3 + 5 + 5 + 4 + 19 * 3; // before the code lengths
    return most
        + codeLengths.bits()
        + 7L * headerCount
        + literals.bits()
        + distances.bits()
        + extra;
  }

  /** Shortens the lengths of both codes by repetition (RFC 1951, section 3.2.7). */
  private void shortenHeader() {
    codeLengths.clear();
    headerCount = 0;
    int[] lengths = new int[286 + 30];
    System.arraycopy(literals.lengths, 0, lengths, 0, 286);
    System.arraycopy(distances.lengths, 0, lengths, 286, 30);
    int i = 0;
    while (i < lengths.length) {
      int length = lengths[i];
      int run = 1;
      while (i + run < lengths.length && lengths[i + run] == length) {
        run++;
      }
      i += run;
      if (length > 0) {
        addHeader(length, 0);
        run--;
      }
      while (run >= 3) {
        int part = Math.min(run, length > 0 ? 6 : 138);
        if (length > 0) {
          addHeader(16, part - 3);
        } else if (part <= 10) {
          addHeader(17, part - 3);
        } else {
          addHeader(18, part - 11);
        }
        run -= part;
      }
      for (; run > 0; run--) {
        addHeader(length, 0);
      }
    }
  }

  private void addHeader(int symbol, int extra) {
    codeLengths.frequencies[symbol]++;
    header[headerCount++] = (extra << 5) | symbol;
  }

  private void writeHeader() {
    int orderCount = LENGTHS_ORDER.length;
    while (codeLengths.lengths[LENGTHS_ORDER[orderCount - 1]] == 0) {
      orderCount--;
    }
    write(0b100, 3); // dynamic codes, not the last block
    write(286 - 257, 5);
    write(30 - 1, 5);
    write(orderCount - 4, 4);
    for (int i = 0; i < orderCount; i++) {
      write(codeLengths.lengths[LENGTHS_ORDER[i]], 3);
    }
    for (int i = 0; i < headerCount; i++) {
      int symbol = header[i] & 31;
      write(codeLengths.codes[symbol], codeLengths.lengths[symbol]);
      switch (symbol) {
        case 16 -> write(header[i] >>> 5, 2);
        case 17 -> write(header[i] >>> 5, 3);
        case 18 -> write(header[i] >>> 5, 7);
        default -> {}
      }
    }
  }

  private void writeTokens() {
    for (int i = 0; i < tokenCount; i++) {
      int token = tokens[i];
      int distance = token >>> 9;
      if (distance == 0) {
        write(literals.codes[token], literals.lengths[token]);
      } else {
        int length = token & 0x1ff;
        int symbol = LENGTH_SYMBOL[length];
        int literal = END_OF_BLOCK + 1 + symbol;
        int prefix = literals.lengths[literal];
        write(
            literals.codes[literal] | (length - LENGTH_BASE[symbol]) << prefix,
            prefix + LENGTH_EXTRA[symbol]);
        int far = distanceSymbol(distance);
        prefix = distances.lengths[far];
        write(
            distances.codes[far] | (distance - DISTANCE_BASE[far]) << prefix,
            prefix + DISTANCE_EXTRA[far]);
      }
    }
    write(literals.codes[END_OF_BLOCK], literals.lengths[END_OF_BLOCK]);
  }

  private void writeStored(int start, int end) {
    write(0b000, 3); // stored, not the last block
    write(0, -bitCount & 7);
    int size = end - start;
    write(size | ~size << 16, 32);
    System.arraycopy(in, start, out, position, size);
    position += size;
  }

  private void write(int value, int count) {
    bits |= (value & 0xffffffffL) << bitCount;
    LONGS.set(out, position, bits);
    bitCount += count;
    position += bitCount >>> 3;
    bits >>>= bitCount & ~7;
    bitCount &= 7;
  }
}

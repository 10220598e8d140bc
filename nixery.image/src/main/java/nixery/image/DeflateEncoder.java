package nixery.image;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Compresses blocks of bytes into pieces of a DEFLATE stream (RFC 1951). Each piece refers to
 * nothing before it, ends at a byte, and is not the last, so that pieces that were made in parallel
 * can be concatenated.
 *
 * <p>{@link java.util.zip.Deflater} leaves the bytes to whatever zlib the Java runtime was built
 * with; layers need the same bytes everywhere. The method is that of zlib: hash chains, lazy
 * matching, dynamic Huffman codes. To be used again and again; not thread-safe.
 */
final class DeflateEncoder {

  /** The most bytes that can be given at once. */
  static final int MOST_INPUT = 1 << 20;

  /** How many bytes longer than the input an array for the input must be. */
  static final int INPUT_SLACK = 8;

  /** How many bytes longer than the input the output can get. */
  static final int OUTPUT_SLACK = 4096;

  /** The end of a stream: an empty block of fixed codes that is the last. */
  static final byte[] END = {3, 0};

  private static final int WINDOW = 1 << 15;
  private static final int HASH_BITS = 16;
  private static final int SHORTEST_CHAINED = 4; // matches that the chains find
  private static final int SHORT_HASH_BITS = 15;
  private static final int SHORTEST_MATCH = 3; // such a one is worth its bits only if it is near
  private static final int NEAR = 4096;
  private static final int LONGEST_MATCH = 258;

  // What costs time and saves bytes. With these, the size is about that of zlib's level 6.
  private static final int GOOD_LENGTH = 8; // from here on, a better match is sought less hard
  private static final int LAZY_LENGTH = 16; // from here on, it is not sought at all
  private static final int NICE_LENGTH = 128; // from here on, it is good enough
  private static final int CHAIN = 32; // how many places are tried

  private static final int MULTIPLIER = 0x9E3779B1; // 2^32 divided by the golden ratio

  private static final VarHandle INTS =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private final int[] heads = new int[1 << HASH_BITS]; // the last position of each hash, or -1
  private final int[] previous = new int[WINDOW]; // the position before with the same hash
  private final DeflateBlockWriter writer = new DeflateBlockWriter();

  private final int[] shortHeads = new int[1 << SHORT_HASH_BITS]; // for three bytes, without chain

  private int near; // the position before with the same three bytes, perhaps; or -1
  private int matchDistance; // of what longestMatch found

  /**
   * Compresses a block.
   *
   * @param in the bytes, and {@link #INPUT_SLACK} more
   * @param length how many bytes, at most {@link #MOST_INPUT}
   * @param out where the compressed bytes go; {@link #OUTPUT_SLACK} longer than the input
   * @return how many compressed bytes there are
   */
  int encode(byte[] in, int length, byte[] out) {
    Arrays.fill(heads, -1);
    Arrays.fill(shortHeads, -1);
    writer.start(in, out);
    int pendingLength = 0; // of the match at the position before
    int pendingDistance = 0;
    boolean pending = false; // whether the position before is still to be written
    int position = 0;
    while (position < length) {
      int candidate = insert(in, position, length);
      int matchLength = 0;
      if (pendingLength < LAZY_LENGTH) {
        matchLength = longestMatch(in, position, length, candidate, pendingLength);
      }
      if (pendingLength >= SHORTEST_MATCH && matchLength <= pendingLength) {
        writer.match(pendingLength, pendingDistance);
        int end = position - 1 + pendingLength;
        for (int inner = position + 1; inner < end; inner++) {
          insert(in, inner, length);
        }
        position = end;
        pendingLength = 0;
        pending = false;
      } else {
        if (pending) {
          writer.literal(in[position - 1]);
        }
        pending = true;
        pendingLength = matchLength;
        pendingDistance = matchDistance;
        position++;
      }
    }
    if (pending) {
      writer.literal(in[length - 1]);
    }
    return writer.finish();
  }

  /** Enters a position into its chain and returns the one before it; -1 if there is none. */
  private int insert(byte[] in, int position, int length) {
    near = -1;
    if (position + SHORTEST_CHAINED > length) {
      return -1;
    }
    int bytes = (int) INTS.get(in, position);
    int shortHash = ((bytes << 8) * MULTIPLIER) >>> (32 - SHORT_HASH_BITS);
    near = shortHeads[shortHash];
    shortHeads[shortHash] = position;
    int hash = (bytes * MULTIPLIER) >>> (32 - HASH_BITS);
    int before = heads[hash];
    previous[position & (WINDOW - 1)] = before;
    heads[hash] = position;
    return before;
  }

  /**
   * Looks for a match that is longer than one that is known.
   *
   * @return its length, with its distance in {@link #matchDistance}; 0 if there is none
   */
  private int longestMatch(byte[] in, int position, int length, int first, int known) {
    int longest = Math.min(LONGEST_MATCH, length - position);
    int best = Math.max(known, SHORTEST_MATCH);
    int found = 0;
    if (best >= longest) {
      return 0;
    }
    int start = (int) INTS.get(in, position);
    int lowest = Math.max(0, position - WINDOW + 1);
    int candidate = first;
    for (int left = known >= GOOD_LENGTH ? CHAIN / 4 : CHAIN;
        left > 0 && candidate >= lowest;
        left--) {
      if (in[candidate + best] == in[position + best] && (int) INTS.get(in, candidate) == start) {
        int matching = matching(in, candidate, position, longest);
        if (matching > best) {
          best = matching;
          found = matching;
          matchDistance = position - candidate;
          if (matching >= NICE_LENGTH || matching == longest) {
            break;
          }
        }
      }
      candidate = previous[candidate & (WINDOW - 1)];
    }
    return found > 0 || known >= SHORTEST_MATCH ? found : shortMatch(in, position, start);
  }

  private int shortMatch(byte[] in, int position, int start) {
    if (near < 0
        || position - near >= NEAR
        || (((int) INTS.get(in, near) ^ start) & 0xffffff) != 0) {
      return 0;
    }
    matchDistance = position - near;
    return SHORTEST_MATCH;
  }

  /** Returns how many bytes are the same at two positions. */
  private static int matching(byte[] in, int left, int right, int longest) {
    int matching = 0;
    while (matching < longest) {
      long difference =
          (long) LONGS.get(in, left + matching) ^ (long) LONGS.get(in, right + matching);
      if (difference != 0) {
        return Math.min(longest, matching + (Long.numberOfTrailingZeros(difference) >>> 3));
      }
      matching += Long.BYTES;
    }
    return longest;
  }
}

package nixery.image;

import java.util.Arrays;

/**
 * A canonical Huffman code of limited length, as RFC 1951, section 3.2.2, defines it. To be used
 * again and again; not thread-safe.
 */
final class HuffmanCode {

  private final int limit;

  /** How often each symbol comes; counted by the user, cleared by {@link #clear}. */
  final int[] frequencies;

  /** The number of bits of each symbol; 0 for one that does not come. */
  final int[] lengths;

  /** The bits of each symbol, the first one lowest, as they are written. */
  final int[] codes;

  private final long[] sorted; // the frequency and the symbol of those that come
  private final int[] tree;

  /**
   * Makes room for a code.
   *
   * @param symbols how many symbols there are
   * @param limit the greatest length of a code in bits
   */
  HuffmanCode(int symbols, int limit) {
    this.limit = limit;
    frequencies = new int[symbols];
    lengths = new int[symbols];
    codes = new int[symbols];
    sorted = new long[symbols];
    tree = new int[symbols];
  }

  void clear() {
    Arrays.fill(frequencies, 0);
  }

  /** Returns how many bits the symbols take that were counted. */
  long bits() {
    long bits = 0;
    for (int symbol = 0; symbol < lengths.length; symbol++) {
      bits += (long) frequencies[symbol] * lengths[symbol];
    }
    return bits;
  }

  /**
   * Computes lengths and codes from the frequencies. Counts symbols that do not come where fewer
   * than two do: a code of less than two symbols is not complete, and not every decoder takes it.
   */
  void build() {
    int used = 0;
    for (int frequency : frequencies) {
      used += frequency > 0 ? 1 : 0;
    }
    for (int symbol = 0; used < 2; symbol++) {
      if (frequencies[symbol] == 0) {
        frequencies[symbol] = 1;
        used++;
      }
    }
    int count = 0;
    for (int symbol = 0; symbol < frequencies.length; symbol++) {
      if (frequencies[symbol] > 0) {
        sorted[count++] = ((long) frequencies[symbol] << 16) | symbol;
      }
    }
    Arrays.sort(sorted, 0, count);
    for (int i = 0; i < count; i++) {
      tree[i] = (int) (sorted[i] >>> 16);
    }
    depths(tree, count);
    int[] lengthCounts = limitedCounts(count);
    Arrays.fill(lengths, 0);
    int next = 0; // the rarest symbols are first, and take the longest codes
    for (int length = limit; length > 0; length--) {
      for (int i = 0; i < lengthCounts[length]; i++) {
        lengths[(int) (sorted[next++] & 0xffff)] = length;
      }
    }
    assignCodes(lengthCounts);
  }

  /**
   * Replaces weights, sorted ascending, by the depths of a minimum-redundancy code, in place. After
   * A. Moffat and J. Katajainen, "In-Place Calculation of Minimum-Redundancy Codes" (1995).
   */
  private static void depths(int[] weights, int count) {
    int leaf = 0;
    int root = 0;
    for (int next = 0; next < count - 1; next++) { // weights of the inner nodes, then their parents
      int sum = 0;
      for (int child = 0; child < 2; child++) {
        if (leaf >= count || (root < next && weights[root] < weights[leaf])) {
          sum += weights[root];
          weights[root++] = next;
        } else {
          sum += weights[leaf++];
        }
      }
      weights[next] = sum;
    }
    weights[count - 2] = 0;
    for (int next = count - 3; next >= 0; next--) { // parents to depths of the inner nodes
      weights[next] = weights[weights[next]] + 1;
    }
    int available = 1;
    int depth = 0;
    int inner = count - 2;
    int next = count - 1;
    while (available > 0) { // depths of the leaves
      int used = 0;
      while (inner >= 0 && weights[inner] == depth) {
        used++;
        inner--;
      }
      while (available > used) {
        weights[next--] = depth;
        available--;
      }
      available = 2 * used;
      depth++;
    }
  }

  /**
   * Returns how many codes of each length there are once those that are too long are shortened, and
   * others lengthened until the code is complete again (the sum of 2^-length is 1).
   */
  private int[] limitedCounts(int count) {
    int[] counts = new int[limit + 1];
    for (int i = 0; i < count; i++) {
      counts[Math.min(tree[i], limit)]++;
    }
    long total = 0;
    for (int length = 1; length <= limit; length++) {
      total += (long) counts[length] << (limit - length);
    }
    for (; total > 1L << limit; total--) {
      int length = limit - 1;
      while (counts[length] == 0) {
        length--;
      }
      counts[length]--; // this one gets longer and makes room beside it for one of the longest
      counts[length + 1] += 2;
      counts[limit]--;
    }
    return counts;
  }

  private void assignCodes(int[] lengthCounts) {
    int[] next = new int[limit + 1];
    for (int length = 1; length < limit; length++) {
      next[length + 1] = (next[length] + lengthCounts[length]) << 1;
    }
    for (int symbol = 0; symbol < lengths.length; symbol++) {
      int length = lengths[symbol];
      codes[symbol] = length == 0 ? 0 : Integer.reverse(next[length]++) >>> (32 - length);
    }
  }
}

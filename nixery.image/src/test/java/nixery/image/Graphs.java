package nixery.image;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SortedSet;
import java.util.TreeSet;

/** Graphs to plan layers for. */
final class Graphs {

  private static final String DIGITS = "0123456789abcdfghijklmnpqrsvwxyz";

  private Graphs() {}

  /** Returns a path whose hash does not sort as its number. */
  static StorePath path(int number) {
    StringBuilder hash = new StringBuilder();
    long state = number * 0x9E3779B97F4A7C15L + 1;
    for (int i = 0; i < 32; i++) {
      state = state * 6364136223846793005L + 1442695040888963407L;
      hash.append(DIGITS.charAt((int) (state >>> 59)));
    }
    return StorePath.parse(hash + "-package" + number % 7 + "-1." + number);
  }

  static PathInfo info(int number, long size, List<Integer> references) {
    SortedSet<StorePath> paths = new TreeSet<>();
    references.forEach(reference -> paths.add(path(reference)));
    return new PathInfo(path(number), size, paths);
  }

  /**
   * A closure of node 0, as random as the numbers: every other node has one that refers to it. No
   * path is greater than a size in bytes.
   */
  static List<PathInfo> random(Random random, int size, long greatest) {
    List<List<Integer>> references = new ArrayList<>();
    for (int node = 0; node < size; node++) {
      references.add(new ArrayList<>());
      if (node > 0) {
        references.get(random.nextInt(node)).add(node);
      }
    }
    for (int edge = random.nextInt(size + 1); edge > 0; edge--) {
      int from = random.nextInt(size);
      references.get(from).add(from + random.nextInt(size - from)); // itself too
    }
    List<PathInfo> infos = new ArrayList<>();
    for (int node = 0; node < size; node++) {
      long most = random.nextBoolean() ? greatest : Math.min(greatest, 24L << 20);
      infos.add(info(node, random.nextLong(Math.max(1, most)), references.get(node)));
    }
    return infos;
  }
}

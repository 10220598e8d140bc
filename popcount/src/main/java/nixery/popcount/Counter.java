package nixery.popcount;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import nixery.image.Popularity;
import nixery.image.StorePath;

/**
 * Counts for each package how many others refer to it. A package is all store paths of one name
 * without version: its outputs and versions count once, both where they refer and where they are
 * referred to, and what they refer to among themselves does not count. Derivations do not count
 * either. The order in which paths come makes no difference. Not thread-safe.
 */
final class Counter {

  /** How many pairs of packages there may be; nixpkgs has some hundred thousands. */
  private static final int MOST_PAIRS = 16 << 20;

  private final Map<String, Integer> numbers = new HashMap<>();
  private final List<String> names = new ArrayList<>();
  private long[] sizes = new long[1024];

  /** The number of a package in the upper half, that of one that refers to it in the lower. */
  private long[] pairs = new long[1024];

  private int pairCount;

  /**
   * Adds a store path, which must not have been added before.
   *
   * @param path the path
   * @param narSize the size of its NAR serialisation
   * @param references what it refers to
   * @throws PopcountException if it gets too much
   */
  void add(StorePath path, long narSize, Collection<StorePath> references) {
    if (isDerivation(path)) {
      return;
    }
    int referrer = number(path.pname());
    sizes[referrer] = Math.max(sizes[referrer] + narSize, narSize); // were it to overflow
    for (StorePath reference : references) {
      if (!isDerivation(reference)) {
        int referred = number(reference.pname());
        if (referred != referrer) {
          add((long) referred << Integer.SIZE | referrer);
        }
      }
    }
  }

  private static boolean isDerivation(StorePath path) {
    return path.baseName().endsWith(".drv");
  }

  private int number(String pname) {
    Integer known = numbers.get(pname);
    if (known != null) {
      return known;
    }
    int number = names.size();
    numbers.put(pname, number);
    names.add(pname);
    if (number == sizes.length) {
      sizes = Arrays.copyOf(sizes, 2 * number);
    }
    return number;
  }

  private void add(long pair) {
    if (pairCount == pairs.length) {
      dropRepeated();
      if (pairCount > pairs.length / 2) {
        if (pairs.length >= MOST_PAIRS) {
          throw new PopcountException("There are more references than could be real.");
        }
        pairs = Arrays.copyOf(pairs, 2 * pairs.length);
      }
    }
    pairs[pairCount++] = pair;
  }

  private void dropRepeated() {
    Arrays.sort(pairs, 0, pairCount);
    int kept = 0;
    for (int i = 0; i < pairCount; i++) {
      if (kept == 0 || pairs[i] != pairs[kept - 1]) {
        pairs[kept++] = pairs[i];
      }
    }
    pairCount = kept;
  }

  /**
   * Returns what was counted so far.
   *
   * @param channel the channel that was counted, if it was one
   * @param revision the commit that it pointed to
   */
  Popularity result(Optional<String> channel, Optional<String> revision) {
    dropRepeated();
    int[] counts = new int[names.size()];
    for (int i = 0; i < pairCount; i++) {
      counts[(int) (pairs[i] >>> Integer.SIZE)]++;
    }
    SortedMap<String, Popularity.Usage> packages = new TreeMap<>();
    for (int i = 0; i < counts.length; i++) {
      packages.put(names.get(i), new Popularity.Usage(counts[i], sizes[i]));
    }
    return Popularity.of(channel, revision, packages);
  }
}

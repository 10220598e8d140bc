package nixery.image;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * The closure that is to be divided, its paths numbered by name, so that whoever goes through the
 * numbers does not depend on the order of the input. Groups of paths are lists of numbers.
 */
final class Closure {

  private final List<StorePath> paths;
  private final boolean[] roots;
  private final long[] sizes;
  private final int[] popularity;
  private final int[][] references;

  private Closure(
      List<StorePath> paths, ReferenceGraph graph, SortedSet<StorePath> roots, Popularity known) {
    this.paths = paths;
    int size = paths.size();
    this.roots = new boolean[size];
    sizes = new long[size];
    popularity = new int[size];
    references = new int[size][];
    Map<StorePath, Integer> numbers = HashMap.newHashMap(size);
    for (int number = 0; number < size; number++) {
      numbers.put(paths.get(number), number);
    }
    for (int number = 0; number < size; number++) {
      StorePath path = paths.get(number);
      PathInfo info = graph.info(path);
      this.roots[number] = roots.contains(path);
      sizes[number] = info.narSize();
      popularity[number] = known.of(path.pname());
      references[number] = info.references().stream().mapToInt(numbers::get).toArray();
    }
  }

  /**
   * Takes the arguments of {@link LayeringStrategy#plan}.
   *
   * @throws IllegalArgumentException if the budget is less than 1, or a root is not in the graph
   */
  static Closure of(
      ReferenceGraph graph, SortedSet<StorePath> roots, Popularity popularity, int budget) {
    if (budget < 1) {
      throw new IllegalArgumentException("a budget of " + budget + " layers");
    }
    record Named(String name, StorePath path) {}
    List<StorePath> paths =
        reachable(graph, roots).stream()
            .map(path -> new Named(path.name(), path))
            .sorted(Comparator.comparing(Named::name).thenComparing(Named::path))
            .map(Named::path)
            .toList();
    return new Closure(paths, graph, roots, popularity);
  }

  /** As {@link ReferenceGraph#closure}, in less time since it is not sorted. */
  private static Set<StorePath> reachable(ReferenceGraph graph, SortedSet<StorePath> roots) {
    Set<StorePath> reached = new HashSet<>(roots);
    Deque<StorePath> left = new ArrayDeque<>(roots);
    while (!left.isEmpty()) {
      for (StorePath reference : graph.info(left.pop()).references()) {
        if (reached.add(reference)) {
          left.push(reference);
        }
      }
    }
    return reached;
  }

  /** Returns how many paths there are. */
  int count() {
    return paths.size();
  }

  boolean isRoot(int path) {
    return roots[path];
  }

  /** Returns the size of a path's NAR, in bytes. */
  long size(int path) {
    return sizes[path];
  }

  /** Returns how popular the package of a path is, at least 1. */
  int popularity(int path) {
    return popularity[path];
  }

  int[][] references() {
    return references;
  }

  /** Returns for each path those that refer to it. */
  int[][] users() {
    int[] counts = new int[count()];
    for (int[] edges : references) {
      for (int edge : edges) {
        counts[edge]++;
      }
    }
    int[][] users = new int[count()][];
    Arrays.setAll(users, path -> new int[counts[path]]);
    for (int path = 0; path < count(); path++) {
      for (int edge : references[path]) {
        users[edge][--counts[edge]] = path;
      }
    }
    return users;
  }

  /** Returns all paths, the biggest first. */
  int[] bySize() {
    return IntStream.range(0, count())
        .boxed()
        .sorted(Comparator.comparingLong((Integer path) -> sizes[path]).reversed())
        .mapToInt(Integer::intValue)
        .toArray();
  }

  /** Returns the sum of the sizes, at most {@link Long#MAX_VALUE}. */
  long size(List<Integer> group) {
    long sum = 0;
    for (int path : group) {
      sum = saturatedSum(sum, sizes[path]);
    }
    return sum;
  }

  static long saturatedSum(long a, long b) {
    return a + b < 0 ? Long.MAX_VALUE : a + b;
  }

  /**
   * Merges groups until each has {@link LayeringStrategy#SMALL} bytes, or there is only one: small
   * ones with the next small ones, and the last of them with the last group.
   */
  List<List<Integer>> withoutSmall(List<List<Integer>> groups) {
    List<List<Integer>> merged = new ArrayList<>();
    List<Integer> small = new ArrayList<>();
    for (List<Integer> group : groups) {
      if (size(group) >= LayeringStrategy.SMALL) {
        merged.add(new ArrayList<>(group));
        continue;
      }
      small.addAll(group);
      if (size(small) >= LayeringStrategy.SMALL) {
        merged.add(small);
        small = new ArrayList<>();
      }
    }
    if (!small.isEmpty() && merged.isEmpty()) {
      merged.add(small);
    } else {
      small.forEach(path -> merged.getLast().add(path));
    }
    return merged;
  }

  /** Returns groups as layers, those of the highest rank first, equal ones by name. */
  List<Layer> layers(List<List<Integer>> groups, ToDoubleFunction<List<Integer>> rank) {
    record Ranked(double rank, int first, List<Integer> group) {}
    return groups.stream()
        .map(group ->
            new Ranked(
                rank.applyAsDouble(group),
                group.stream().min(Integer::compare).orElseThrow(),
                group))
        .sorted(Comparator.comparingDouble(Ranked::rank).reversed().thenComparingInt(Ranked::first))
        .map(ranked -> new Layer(new TreeSet<>(ranked.group().stream().map(paths::get).toList())))
        .toList();
  }
}

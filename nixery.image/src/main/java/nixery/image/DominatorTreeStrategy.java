package nixery.image;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.SortedSet;
import java.util.stream.IntStream;

/**
 * Groups paths by what brings them in. A virtual root leads to the roots, and to each path that is
 * big or popular, since such paths should not depend on what else is in the image. Each subtree at
 * the top of the dominator tree becomes a layer: paths that are there for the sake of one only come
 * and go with it. While there are more layers than the budget allows, the two of lowest rating are
 * merged; the rating of a layer is the popularity of its top multiplied by the NAR sizes of its
 * paths, that of merged layers the sum. Ties are broken by name. This is the algorithm of Nixery's
 * {@code layers.go} by V. Ambo, on sizes of paths instead of closures.
 */
public final class DominatorTreeStrategy implements LayeringStrategy {

  /** In bytes. Moving so much again costs more than one more layer. */
  private static final long BIG = 16L << 20;

  private static final int POPULAR = 100;

  private static final Comparator<Group> BY_RATING =
      Comparator.comparingLong(Group::rating).thenComparingInt(Group::first);

  /** Makes the strategy. */
  public DominatorTreeStrategy() {}

  @Override
  public String id() {
    return "dominator-tree-2";
  }

  @Override
  public List<Layer> plan(
      ReferenceGraph graph, SortedSet<StorePath> roots, Popularity popularity, int budget) {
    Closure closure = Closure.of(graph, roots, popularity, budget);
    int[] tops = tops(Dominators.immediate(edges(closure), closure.count()), closure.count());
    PriorityQueue<Group> groups = new PriorityQueue<>(BY_RATING);
    groups.addAll(subtrees(closure, tops));
    while (groups.size() > budget) {
      groups.add(groups.remove().merge(groups.remove()));
    }
    List<List<Integer>> rated =
        groups.stream().sorted(BY_RATING.reversed()).map(Group::paths).toList();
    return closure.layers(
        closure.withoutSmall(rated),
        group ->
            group.stream()
                .mapToDouble(path -> (double) closure.size(path) * closure.popularity(tops[path]))
                .sum());
  }

  /**
   * What is going to be a layer.
   *
   * @param first the first of its paths
   * @param paths belongs to the group that was made last of it
   */
  private record Group(long rating, int first, List<Integer> paths) {

    /** Takes time only for the smaller of the two. */
    Group merge(Group other) {
      boolean larger = paths.size() >= other.paths.size();
      List<Integer> all = larger ? paths : other.paths;
      all.addAll(larger ? other.paths : paths);
      return new Group(
          Closure.saturatedSum(rating, other.rating), Math.min(first, other.first), all);
    }
  }

  private static List<Group> subtrees(Closure closure, int[] tops) {
    List<List<Integer>> members = new ArrayList<>();
    for (int path = 0; path < closure.count(); path++) {
      members.add(new ArrayList<>());
    }
    for (int path = 0; path < closure.count(); path++) {
      members.get(tops[path]).add(path);
    }
    List<Group> groups = new ArrayList<>();
    for (int top = 0; top < closure.count(); top++) {
      List<Integer> paths = members.get(top);
      if (!paths.isEmpty()) {
        groups.add(new Group(rating(closure, top, paths), paths.getFirst(), paths));
      }
    }
    return groups;
  }

  /** Returns the references, and the edges of the virtual root, which is the last node. */
  private static int[][] edges(Closure closure) {
    int[][] edges = Arrays.copyOf(closure.references(), closure.count() + 1);
    edges[closure.count()] =
        IntStream.range(0, closure.count())
            .filter(path ->
                closure.isRoot(path)
                    || closure.size(path) >= BIG
                    || closure.popularity(path) >= POPULAR)
            .toArray();
    return edges;
  }

  /** Returns for each node the one at the top of its subtree, below the virtual root. */
  private static int[] tops(int[] dominators, int root) {
    int[] tops = new int[root];
    Arrays.fill(tops, -1);
    for (int node = 0; node < root; node++) {
      int top = node;
      while (tops[top] < 0 && dominators[top] != root) {
        top = dominators[top];
      }
      top = tops[top] < 0 ? top : tops[top];
      for (int below = node; tops[below] < 0; below = dominators[below]) {
        tops[below] = top;
        if (below == top) {
          break;
        }
      }
    }
    return tops;
  }

  private static long rating(Closure closure, int top, List<Integer> paths) {
    long size = closure.size(paths);
    long popularity = closure.popularity(top);
    return Math.multiplyHigh(size, popularity) == 0 && size * popularity >= 0
        ? size * popularity
        : Long.MAX_VALUE;
  }
}

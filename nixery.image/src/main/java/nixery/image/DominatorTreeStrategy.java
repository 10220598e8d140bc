package nixery.image;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.SortedSet;
import java.util.TreeSet;

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

  private static final Comparator<StorePath> BY_NAME =
      Comparator.comparing(StorePath::name).thenComparing(Comparator.naturalOrder());

  private static final Comparator<Group> BY_RATING =
      Comparator.comparingLong(Group::rating).thenComparing(Group::first, BY_NAME);

  /** Makes the strategy. */
  public DominatorTreeStrategy() {}

  @Override
  public String id() {
    return "dominator-tree-1";
  }

  @Override
  public List<Layer> plan(
      ReferenceGraph graph, SortedSet<StorePath> roots, Popularity popularity, int budget) {
    if (budget < 1) {
      throw new IllegalArgumentException("a budget of " + budget + " layers");
    }
    PriorityQueue<Group> groups = new PriorityQueue<>(BY_RATING);
    groups.addAll(topLevelSubtrees(graph, roots, popularity));
    while (groups.size() > budget) {
      groups.add(groups.remove().merge(groups.remove()));
    }
    return groups.stream()
        .sorted(BY_RATING.reversed())
        .map(group -> new Layer(new TreeSet<>(group.paths())))
        .toList();
  }

  /**
   * What is going to be a layer.
   *
   * @param first the least of its paths by name
   * @param paths belongs to the group that was made last of it
   */
  private record Group(long rating, StorePath first, List<StorePath> paths) {

    /** Takes time only for the smaller of the two. */
    Group merge(Group other) {
      boolean larger = paths.size() >= other.paths.size();
      List<StorePath> all = larger ? paths : other.paths;
      all.addAll(larger ? other.paths : paths);
      return new Group(
          saturatedSum(rating, other.rating),
          BY_NAME.compare(first, other.first) <= 0 ? first : other.first,
          all);
    }
  }

  private static List<Group> topLevelSubtrees(
      ReferenceGraph graph, SortedSet<StorePath> roots, Popularity popularity) {
    List<StorePath> nodes = List.copyOf(graph.closure(roots));
    int root = nodes.size();
    int[] dominators = Dominators.immediate(edges(graph, nodes, roots, popularity), root);
    int[] tops = tops(dominators, root);
    List<List<StorePath>> members = new ArrayList<>();
    for (int node = 0; node < root; node++) {
      members.add(new ArrayList<>());
    }
    for (int node = 0; node < root; node++) {
      members.get(tops[node]).add(nodes.get(node));
    }
    List<Group> groups = new ArrayList<>();
    for (int node = 0; node < root; node++) {
      if (tops[node] == node) {
        List<StorePath> paths = members.get(node);
        groups.add(
            new Group(
                rating(graph, popularity.of(nodes.get(node).pname()), paths),
                Collections.min(paths, BY_NAME),
                paths));
      }
    }
    return groups;
  }

  /** Returns the edges of the references, and those of the virtual root, which is the last node. */
  private static int[][] edges(
      ReferenceGraph graph,
      List<StorePath> nodes,
      SortedSet<StorePath> roots,
      Popularity popularity) {
    int[][] edges = new int[nodes.size() + 1][];
    int[] top = new int[nodes.size()];
    int topCount = 0;
    for (int node = 0; node < nodes.size(); node++) {
      StorePath path = nodes.get(node);
      PathInfo info = graph.info(path);
      edges[node] =
          info.references().stream()
              .mapToInt(reference -> Collections.binarySearch(nodes, reference))
              .toArray();
      if (roots.contains(path) || info.narSize() >= BIG || popularity.of(path.pname()) >= POPULAR) {
        top[topCount++] = node;
      }
    }
    edges[nodes.size()] = Arrays.copyOf(top, topCount);
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

  private static long rating(ReferenceGraph graph, int popularity, List<StorePath> paths) {
    long size = 0;
    for (StorePath path : paths) {
      size = saturatedSum(size, graph.info(path).narSize());
    }
    return Math.multiplyHigh(size, (long) popularity) == 0 && size * popularity >= 0
        ? size * popularity
        : Long.MAX_VALUE;
  }

  private static long saturatedSum(long a, long b) {
    return a + b < 0 ? Long.MAX_VALUE : a + b;
  }
}

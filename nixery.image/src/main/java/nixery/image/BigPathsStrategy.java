package nixery.image;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedSet;

/**
 * Gives the biggest paths layers of their own, so that they are shared whatever else an image has,
 * and lets the others, which are many but have few bytes, share a few layers by how steady they
 * are. A path is the steadier the more packages refer to it, and the fewer it depends on: a new
 * version of any of those gives it another hash. Steady paths are in most images and seldom change,
 * so the layers that they share with each other stay the same when the other paths come and go.
 *
 * <p>Layers come in descending order of the bytes that they save, divided by how likely they are to
 * differ from one image to the next: a client that shares only prefixes then shares most. That is a
 * function of the layer and the popularity data alone, so that images have their common layers in
 * the same order.
 */
public final class BigPathsStrategy implements LayeringStrategy {

  /** Of the budget, one layer in so many is for the small paths. */
  private static final int SHARED_PART = 8;

  private static final int MOST_SHARED = 11;

  /**
   * Enough to tell paths at the bottom of the graph from those at the top. Counting all would take
   * a time that grows with the square of the closure.
   */
  private static final int MOST_DEPENDENCIES = 1000;

  /** Makes the strategy. */
  public BigPathsStrategy() {}

  @Override
  public String id() {
    return "big-paths-1";
  }

  @Override
  public List<Layer> plan(
      ReferenceGraph graph, SortedSet<StorePath> roots, Popularity popularity, int budget) {
    Closure closure = Closure.of(graph, roots, popularity, budget);
    int[] dependencies = dependencies(closure.references());
    return closure.layers(
        closure.withoutSmall(divide(closure, dependencies, budget)),
        group -> closure.size(group) / unsteadiness(closure, dependencies, group));
  }

  /** Returns the big paths first, then the shared layers, the steadiest first. */
  private static List<List<Integer>> divide(Closure closure, int[] dependencies, int budget) {
    int[] paths = closure.bySize();
    int big = 0;
    while (big < paths.length && closure.size(paths[big]) >= SMALL) {
      big++;
    }
    int shared = Math.clamp(budget / SHARED_PART, 1, MOST_SHARED);
    int alone = big == paths.length && big <= budget ? big : Math.min(big, budget - shared);
    List<List<Integer>> groups = new ArrayList<>();
    for (int path : Arrays.copyOf(paths, alone)) {
      groups.add(List.of(path));
    }
    List<List<Integer>> classes = new ArrayList<>();
    for (int i = 0; i < shared; i++) {
      classes.add(new ArrayList<>());
    }
    for (int path : Arrays.copyOfRange(paths, alone, paths.length)) {
      // Each class is twice as steady as the next; the middle is what has four dependencies for
      // each package that refers to it.
      int steadiness = Math.getExponent(4.0 * closure.popularity(path) / dependencies[path]);
      classes.get(Math.clamp(shared / 2 - steadiness, 0, shared - 1)).add(path);
    }
    classes.stream().filter(each -> !each.isEmpty()).forEach(groups::add);
    return groups;
  }

  /** Returns what is proportional to the chance that one of the paths is missing or another. */
  private static double unsteadiness(Closure closure, int[] dependencies, List<Integer> group) {
    return group.stream()
        .mapToDouble(path -> Math.sqrt(dependencies[path]) / closure.popularity(path))
        .sum();
  }

  /** Returns for each path how many it needs, itself among them, counted up to a limit. */
  private static int[] dependencies(int[][] references) {
    int[] seenFrom = new int[references.length];
    Arrays.fill(seenFrom, -1);
    int[] queue = new int[MOST_DEPENDENCIES];
    int[] counts = new int[references.length];
    for (int path = 0; path < references.length; path++) {
      int end = 0;
      queue[end++] = path;
      seenFrom[path] = path;
      for (int next = 0; next < end; next++) {
        for (int reference : references[queue[next]]) {
          if (seenFrom[reference] != path && end < MOST_DEPENDENCIES) {
            seenFrom[reference] = path;
            queue[end++] = reference;
          }
        }
      }
      counts[path] = end;
    }
    return counts;
  }
}

package nixery.image;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;

/**
 * Groups paths by the biggest ones that bring them in. The biggest paths are heads of layers. Every
 * other path goes with those heads that reach it without another head in between; paths with the
 * same heads share a layer. There are as many heads as the budget allows. Popularity plays no part.
 * Layers with the smallest closures come first. The idea is that of nixpkgs' {@code auto-layer.py}
 * ({@code pkgs/build-support/docker}, 2024).
 */
public final class AutoLayerStrategy implements LayeringStrategy {

  /** Makes the strategy. */
  public AutoLayerStrategy() {}

  @Override
  public String id() {
    return "auto-layer-1";
  }

  @Override
  public List<Layer> plan(
      ReferenceGraph graph, SortedSet<StorePath> roots, Popularity popularity, int budget) {
    Closure closure = Closure.of(graph, roots, popularity, budget);
    Split split = new Split(closure);
    for (int path : closure.bySize()) {
      if (!split.addHead(path, budget)) {
        break;
      }
    }
    return closure.layers(
        closure.withoutSmall(split.groups()), group -> -closureBytes(closure, group));
  }

  private static double closureBytes(Closure closure, List<Integer> group) {
    return reachable(group, closure.references()).stream().mapToDouble(closure::size).sum();
  }

  private static BitSet reachable(List<Integer> from, int[][] edges) {
    BitSet reached = new BitSet(edges.length);
    int[] queue = new int[edges.length];
    int end = 0;
    for (int path : from) {
      reached.set(path);
      queue[end++] = path;
    }
    for (int next = 0; next < end; next++) {
      for (int edge : edges[queue[next]]) {
        if (!reached.get(edge)) {
          reached.set(edge);
          queue[end++] = edge;
        }
      }
    }
    return reached;
  }

  /** The paths, each labelled with its heads. Labels are numbered; 0 is that of no heads. */
  private static final class Split {
    private final Closure closure;
    private final int[][] users;
    private final List<Integer> heads = new ArrayList<>();
    private final List<BitSet> labels = new ArrayList<>();
    private final Map<BitSet, Integer> numbers = new HashMap<>();
    private int[] labelOf;

    Split(Closure closure) {
      this.closure = closure;
      users = closure.users();
      labelOf = new int[closure.count()];
      number(new BitSet());
    }

    private int number(BitSet label) {
      return numbers.computeIfAbsent(
          label,
          added -> {
            labels.add(added);
            return labels.size() - 1;
          });
    }

    /** Adds a head, or leaves all as it is if there would be too many labels then. */
    boolean addHead(int path, int most) {
      int head = heads.size();
      BitSet below = reachable(List.of(path), closure.references());
      BitSet above = reachable(List.of(path), users);
      below.clear(path);
      above.clear(path);
      BitSet headsBelow = heads(below);
      BitSet headsAbove = heads(above);
      int[] next = labelOf.clone();
      Map<Integer, Integer> successors = new HashMap<>();
      below.stream()
          .forEach(each ->
              next[each] =
                  successors.computeIfAbsent(
                      labelOf[each],
                      label -> number(with(head, labels.get(label), headsAbove, headsBelow))));
      next[path] = number(with(head, new BitSet(), headsAbove, headsBelow));
      if (Arrays.stream(next).distinct().count() > most) {
        return false;
      }
      heads.add(path);
      labelOf = next;
      return true;
    }

    private BitSet heads(BitSet among) {
      BitSet found = new BitSet();
      for (int head = 0; head < heads.size(); head++) {
        found.set(head, among.get(heads.get(head)));
      }
      return found;
    }

    private static BitSet with(int head, BitSet label, BitSet above, BitSet below) {
      BitSet changed = (BitSet) label.clone();
      changed.andNot(above);
      if (!changed.intersects(below)) {
        changed.set(head);
      }
      return changed;
    }

    List<List<Integer>> groups() {
      Map<Integer, List<Integer>> groups = new HashMap<>();
      List<List<Integer>> ordered = new ArrayList<>();
      for (int path : closure.bySize()) {
        groups
            .computeIfAbsent(
                labelOf[path],
                _ -> {
                  ordered.add(new ArrayList<>());
                  return ordered.getLast();
                })
            .add(path);
      }
      return ordered;
    }
  }
}

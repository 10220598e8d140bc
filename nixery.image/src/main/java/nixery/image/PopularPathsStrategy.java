package nixery.image;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Gives each of the most popular paths a layer of its own, and puts the rest together into the last
 * one. Of equally popular paths the bigger one comes first, then the one first by name.
 */
public final class PopularPathsStrategy implements LayeringStrategy {

  /** Makes the strategy. */
  public PopularPathsStrategy() {}

  @Override
  public String id() {
    return "popular-paths-1";
  }

  @Override
  public List<Layer> plan(
      ReferenceGraph graph, SortedSet<StorePath> roots, Popularity popularity, int budget) {
    if (budget < 1) {
      throw new IllegalArgumentException("a budget of " + budget + " layers");
    }
    List<StorePath> paths = new ArrayList<>(graph.closure(roots));
    paths.sort(
        Comparator.comparingInt((StorePath path) -> popularity.of(path.pname()))
            .thenComparingLong(path -> graph.info(path).narSize())
            .reversed()
            .thenComparing(StorePath::name)
            .thenComparing(Comparator.naturalOrder()));
    int own = paths.size() <= budget ? paths.size() : budget - 1;
    List<Layer> layers = new ArrayList<>();
    for (StorePath path : paths.subList(0, own)) {
      layers.add(new Layer(new TreeSet<>(List.of(path))));
    }
    if (own < paths.size()) {
      layers.add(new Layer(new TreeSet<>(paths.subList(own, paths.size()))));
    }
    return List.copyOf(layers);
  }
}

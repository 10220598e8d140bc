package nixery.bench.sharing;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import nixery.image.Popularity;
import nixery.image.Popularity.Usage;
import nixery.image.ReferenceGraph;
import nixery.image.StorePath;

/**
 * Images whose pulls are measured.
 *
 * @param name what the corpus is called
 * @param popularity counted over the whole package set
 * @param images for each revision the images; the same at each
 */
record Corpus(String name, Popularity popularity, List<List<Image>> images) {

  /** An image at one revision. */
  record Image(ReferenceGraph graph, SortedSet<StorePath> roots) {
    int count() {
      return graph.paths().size();
    }
  }

  /**
   * Draws images from a package set. An image has one package, or more with a chance of one half
   * for each further one; some packages come more often than others (Zipf). Two of five images are
   * for a shell too.
   *
   * @param set the packages
   * @param images how many
   * @param fewest packages of an image
   * @param revisions how many, a week apart
   * @param churn the chance that a package has a new version in a week
   * @param seed decides everything else
   */
  static Corpus of(PackageSet set, int images, int fewest, int revisions, double churn, long seed) {
    Random random = new Random(seed);
    int[] applications = set.applications(random);
    Zipf zipf = new Zipf(applications.length, 0.8);
    Revisions history = new Revisions(set, revisions, churn, seed);
    List<List<Integer>> roots = new ArrayList<>();
    for (int i = 0; i < images; i++) {
      List<Integer> packages = new ArrayList<>(set.base());
      if (random.nextDouble() < 0.4) {
        packages.addAll(set.shell());
      }
      for (int left = fewest; left > 0; left += random.nextBoolean() ? 0 : -1) {
        packages.add(applications[zipf.next(random, applications.length)]);
      }
      roots.add(packages.stream().distinct().toList());
    }
    List<List<Image>> all = new ArrayList<>();
    for (int revision = 0; revision < revisions; revision++) {
      int at = revision;
      all.add(
          roots.stream()
              .map(packages ->
                  new Image(
                      ReferenceGraph.of(history.closure(at, packages)),
                      packages.stream()
                          .map(root -> history.path(at, root))
                          .collect(Collectors.toCollection(TreeSet::new))))
              .toList());
    }
    return new Corpus(set.name(), popularity(set.references()), all);
  }

  private static Popularity popularity(Map<String, Integer> counts) {
    TreeMap<String, Usage> packages = new TreeMap<>();
    counts.forEach((pname, count) -> packages.put(pname, new Usage(count, 0)));
    return Popularity.of(Optional.empty(), Optional.empty(), packages);
  }
}

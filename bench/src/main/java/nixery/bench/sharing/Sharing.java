package nixery.bench.sharing;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import nixery.image.Layer;
import nixery.image.LayeringStrategy;
import nixery.image.Popularity;
import nixery.image.ReferenceGraph;
import nixery.image.StorePath;

/** What pulls transfer when a strategy has divided the images of a corpus. */
final class Sharing {

  /** What a client that has pulled images need not download again. */
  enum Client {
    /** Every layer that it has: containerd, podman. */
    DIGESTS,
    /** The first layers, as far as another image of it begins with the same: Docker's overlay2. */
    PREFIXES
  }

  /** Which images are pulled one after another. */
  enum Pulls {
    /** Different images at one revision. */
    IMAGES,
    /** The same image at each revision. */
    REVISIONS,
    /** Some of a few images, over all revisions. */
    MIXED
  }

  private record Pull(int revision, int image) {}

  /** One client's pulls. */
  private static final int LENGTH = 20;

  private final int revisions;
  private final int images;
  private final Map<Object, Integer> numbers = new HashMap<>();
  private final List<Long> bytes = new ArrayList<>();
  private final int[][][] layers;
  private final int[][][] paths;
  private final int[][] whole;
  private double layerCount;

  Sharing(Corpus corpus, LayeringStrategy strategy, Popularity popularity, int budget) {
    revisions = corpus.images().size();
    images = corpus.images().getFirst().size();
    layers = new int[revisions][images][];
    paths = new int[revisions][images][];
    whole = new int[revisions][images];
    for (int revision = 0; revision < revisions; revision++) {
      for (int image = 0; image < images; image++) {
        Corpus.Image each = corpus.images().get(revision).get(image);
        ReferenceGraph graph = each.graph();
        paths[revision][image] =
            graph.paths().stream()
                .mapToInt(path -> number(path, graph.info(path).narSize()))
                .toArray();
        whole[revision][image] = number(graph.paths(), size(graph, graph.paths()));
        layers[revision][image] =
            strategy.plan(graph, each.roots(), popularity, budget).stream()
                .map(Layer::paths)
                .mapToInt(layer -> number(layer, size(graph, layer)))
                .toArray();
        layerCount += layers[revision][image].length;
      }
    }
    layerCount /= revisions * images;
  }

  private int number(Object key, long size) {
    return numbers.computeIfAbsent(
        key,
        _ -> {
          bytes.add(size);
          return bytes.size() - 1;
        });
  }

  private static long size(ReferenceGraph graph, Set<StorePath> paths) {
    return paths.stream().mapToLong(path -> graph.info(path).narSize()).sum();
  }

  double layerCount() {
    return layerCount;
  }

  /**
   * Returns how much of what could be saved was saved, for a number of shuffles of the pulls: 1 if
   * every path is transferred once, 0 if every image is transferred whole.
   */
  double[] efficiencies(Client client, Pulls pulls, int shuffles) {
    double[] efficiencies = new double[shuffles];
    for (int shuffle = 0; shuffle < shuffles; shuffle++) {
      long upper = 0;
      long lower = 0;
      long transferred = 0;
      for (List<Pull> sequence : sequences(pulls, new Random(shuffle))) {
        upper += sum(sequence.stream().mapToInt(pull -> whole[pull.revision()][pull.image()]));
        lower +=
            sum(
                sequence.stream()
                    .flatMapToInt(pull -> Arrays.stream(paths[pull.revision()][pull.image()])));
        transferred +=
            client == Client.DIGESTS
                ? sum(
                    sequence.stream()
                        .flatMapToInt(pull -> Arrays.stream(layers[pull.revision()][pull.image()])))
                : prefixes(sequence);
      }
      efficiencies[shuffle] = upper == lower ? 1 : (double) (upper - transferred) / (upper - lower);
    }
    return efficiencies;
  }

  private long sum(IntStream blobs) {
    return blobs.distinct().mapToLong(bytes::get).sum();
  }

  private long prefixes(List<Pull> sequence) {
    Set<List<Integer>> seen = new HashSet<>();
    long sum = 0;
    for (Pull pull : sequence) {
      List<Integer> all = Arrays.stream(layers[pull.revision()][pull.image()]).boxed().toList();
      for (int length = 1; length <= all.size(); length++) {
        if (seen.add(all.subList(0, length))) {
          sum += bytes.get(all.get(length - 1));
        }
      }
    }
    return sum;
  }

  private List<List<Pull>> sequences(Pulls pulls, Random random) {
    List<Integer> order = new ArrayList<>(IntStream.range(0, images).boxed().toList());
    Collections.shuffle(order, random);
    List<Integer> chosen = order.subList(0, Math.min(LENGTH, images));
    return switch (pulls) {
      case IMAGES -> {
        int revision = random.nextInt(revisions);
        yield List.of(chosen.stream().map(image -> new Pull(revision, image)).toList());
      }
      case REVISIONS ->
          chosen.stream()
              .map(image ->
                  IntStream.range(0, revisions)
                      .mapToObj(revision -> new Pull(revision, image))
                      .toList())
              .toList();
      case MIXED ->
          List.of(
              random
                  .ints(LENGTH, 0, revisions)
                  .sorted()
                  .mapToObj(revision ->
                      new Pull(revision, chosen.get(random.nextInt(chosen.size() / 2 + 1))))
                  .toList());
    };
  }
}

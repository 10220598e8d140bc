package nixery.bench;

import java.io.IOException;
import java.io.OutputStream;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import nixery.image.Architecture;
import nixery.image.ImageConfig;
import nixery.image.ImageDocuments;
import nixery.image.Layer;
import nixery.image.LayerPacker;
import nixery.image.Layering;
import nixery.image.LayeringStrategy;
import nixery.image.PackedLayerInfo;
import nixery.image.Popularity;
import nixery.image.ReferenceGraph;
import nixery.image.StorePath;

/** What an image costs beyond Nix as its closure grows: 100, 1,000 and 10,000 paths. */
final class ClosurePart implements Part {

  private static final int BUDGET = 93;
  private static final int MEDIAN_BYTES = 10_000; // of a path
  private static final int MOST_BYTES = 4_000_000;
  private static final double SPREAD = 2; // standard deviation of the logarithm

  @Override
  public String name() {
    return "closure";
  }

  @Override
  public String summary() {
    return "planning and packing of closures of 100, 1,000 and 10,000 paths";
  }

  @Override
  public void run(Bench bench) throws IOException {
    for (int paths : List.of(100, 1_000, 10_000)) {
      Path store = bench.servers().folder("closure-" + paths);
      Made made = make(store, paths);
      LayeringStrategy strategy = Layering.BIG_PATHS.strategy();
      String what = String.format(Locale.ROOT, "%,d paths, ", paths);
      StorePath root = path(paths - 1);
      double[] planning = new double[5 * bench.rounds()];
      List<Layer> layers = List.of();
      for (int round = 0; round < planning.length; round++) {
        long start = System.nanoTime();
        ReferenceGraph graph = ReferenceGraph.parseDump(new StringReader(made.dump()));
        layers = strategy.plan(graph, new TreeSet<>(List.of(root)), Popularity.none(), BUDGET);
        planning[round] = (System.nanoTime() - start) / 1e6;
      }
      bench
          .results()
          .add(Figure.of(name(), what + "reading and planning", "nixery", "ms", planning));
      List<Layer> plan = layers;
      bench
          .results()
          .add(
              Figure.of(
                  name(),
                  what + "packing of %s MB and documents".formatted(made.bytes() / 1_000_000),
                  "nixery",
                  "ms",
                  bench.repeat(_ -> ColdPart.milliseconds(() -> pack(store, plan)))));
      Shell.delete(store);
    }
  }

  private static void pack(Path store, List<Layer> plan) {
    try (LayerPacker packer =
            new LayerPacker(
                store, PackingBenchmark.codec("gzip"), Runtime.getRuntime().availableProcessors());
        var threads = Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors())) {
      List<Callable<PackedLayerInfo>> work = new ArrayList<>();
      for (int i = 0; i < plan.size(); i++) {
        Layer layer = plan.get(i);
        Path file = store.resolve("layer-" + i);
        work.add(() -> packer.pack(layer, file).info());
      }
      List<PackedLayerInfo> packed = new ArrayList<>();
      for (Future<PackedLayerInfo> each : threads.invokeAll(work)) {
        packed.add(each.get());
      }
      ImageDocuments.of(ImageConfig.builder(Architecture.AMD64).build(), packed);
    } catch (InterruptedException | ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }

  private static StorePath path(int number) {
    return StorePath.parse(
        String.format(Locale.ROOT, "/nix/store/%032d-package%d-1.0", number, number));
  }

  /** A store, as `nix-store --dump-db` tells it. */
  private record Made(String dump, long bytes) {}

  /**
   * Makes a store of paths with log-normal sizes, as those of nixpkgs have, each of which refers to
   * some that were made before it.
   */
  private static Made make(Path root, int paths) throws IOException {
    Random random = new Random(paths);
    byte[] content = new byte[MOST_BYTES];
    for (int at = 0; at < content.length; at++) {
      content[at] = (byte) random.nextInt(1 << (1 + at % 7));
    }
    StringBuilder dump = new StringBuilder();
    long bytes = 0;
    for (int number = 0; number < paths; number++) {
      StorePath path = path(number);
      Path folder = root.resolve("nix/store").resolve(path.baseName());
      Files.createDirectories(folder);
      int size =
          (int) Math.min(MEDIAN_BYTES * Math.exp(SPREAD * random.nextGaussian()), MOST_BYTES);
      bytes += size;
      try (OutputStream file = Files.newOutputStream(folder.resolve("file"))) {
        file.write(content, MOST_BYTES - size, size);
      }
      TreeSet<StorePath> references = new TreeSet<>();
      if (number > 0) {
        references.add(path(number - 1)); // so that the last reaches all
      }
      for (int i = 0; i < 5 && number > 0; i++) {
        references.add(path((int) (number * Math.pow(random.nextDouble(), 3))));
      }
      dump.append(path).append('\n').append("0".repeat(64)).append('\n').append(size);
      dump.append("\n\n").append(references.size()).append('\n');
      references.forEach(reference -> dump.append(reference).append('\n'));
    }
    return new Made(dump.toString(), bytes);
  }
}

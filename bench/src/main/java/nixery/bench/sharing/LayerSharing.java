package nixery.bench.sharing;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Reader;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import nixery.bench.sharing.Sharing.Client;
import nixery.bench.sharing.Sharing.Pulls;
import nixery.image.Layering;
import nixery.image.LayeringStrategy;
import nixery.image.PathInfo;
import nixery.image.Popularity;
import nixery.image.ReferenceGraph;
import nixery.image.StorePath;

/**
 * Compares layering strategies by the bytes that clients transfer, and prints tables in Markdown.
 * Bytes are those of NARs. See docs/layering.md.
 */
public final class LayerSharing {

  /** One of the 94 layers that a server's images have by default is for links. */
  private static final int BUDGET = 93;

  private static final int SHUFFLES = 40;

  /** Of Student's distribution with 39 degrees of freedom, for a confidence of 95 %. */
  private static final double QUANTILE = 2.023;

  private LayerSharing() {}

  /**
   * Measures.
   *
   * @param arguments {@code --packages FILE} names the text that {@code apt-cache dumpavail}
   *     prints, every other argument a folder of closures
   * @throws IOException if something cannot be read
   */
  public static void main(String[] arguments) throws IOException {
    if (arguments.length == 1 && arguments[0].equals("--cold")) {
      Layering layering = Layering.valueOf(System.getProperty("layering"));
      Corpus.Image image = closure(SyntheticPackages.likeNixpkgs().make(7), 5_000);
      System.out.printf(Locale.ROOT, "%.1f%n", milliseconds(image, layering));
      return;
    }
    if (arguments.length == 1 && arguments[0].equals("--planning")) {
      planning(SyntheticPackages.likeNixpkgs().make(7));
      return;
    }
    for (int i = 0; i < arguments.length; i++) {
      if (arguments[i].equals("--packages")) {
        try (Reader text = Files.newBufferedReader(Path.of(arguments[++i]))) {
          PackageSet debian = DebianPackages.read(text, 1);
          measure(Corpus.of(debian, 80, 1, 6, 0.02, 1));
          measure(Corpus.of(debian.named("Debian 12, large images"), 40, 12, 5, 0.02, 1));
        }
      } else {
        measure(Dumps.read(Path.of(arguments[i])));
      }
    }
    SyntheticPackages like = SyntheticPackages.likeNixpkgs();
    PackageSet nixpkgs = like.make(1);
    measure(Corpus.of(nixpkgs, 80, 1, 6, 0.02, 1));
    measure(Corpus.of(nixpkgs.named("synthetic, large images"), 40, 12, 5, 0.02, 1));
    measure(Corpus.of(nixpkgs.named("synthetic, more churn (6 % a week)"), 40, 1, 6, 0.06, 2));
    measure(Corpus.of(like.smaller().make(3), 40, 1, 5, 0.02, 3));
    measure(Corpus.of(like.denser().make(4), 40, 1, 5, 0.02, 4));
    measure(Corpus.of(like.flatter().make(5), 40, 1, 5, 0.02, 5));
    planning(like.make(7));
  }

  private static void measure(Corpus corpus) {
    int[] paths =
        corpus.images().getFirst().stream().mapToInt(Corpus.Image::count).sorted().toArray();
    System.out.printf(
        Locale.ROOT,
        "%n### %s%n%nImages: %d, revisions: %d; paths in an image: median %d, greatest %d%n%n",
        corpus.name(),
        paths.length,
        corpus.images().size(),
        paths[paths.length / 2],
        paths[paths.length - 1]);
    System.out.println(
        "| strategy | popularity | layers | digests: images | revisions | mixed |"
            + " prefixes: images | revisions | mixed |\n|---|---|---|---|---|---|---|---|---|");
    for (Popularity popularity : List.of(corpus.popularity(), Popularity.none())) {
      for (Layering layering : Layering.values()) {
        LayeringStrategy strategy = layering.strategy();
        Sharing sharing = new Sharing(corpus, strategy, popularity, BUDGET);
        StringBuilder row = new StringBuilder();
        row.append(
            String.format(
                Locale.ROOT,
                "| %s | %s | %.0f |",
                strategy.id(),
                popularity == corpus.popularity() ? "known" : "none",
                sharing.layerCount()));
        for (Client client : Client.values()) {
          for (Pulls pulls : Pulls.values()) {
            row.append(
                cell(
                    pulls == Pulls.IMAGES || corpus.images().size() > 1
                        ? sharing.efficiencies(client, pulls, SHUFFLES)
                        : new double[0]));
          }
        }
        System.out.println(row);
      }
    }
  }

  private static String cell(double[] efficiencies) {
    if (efficiencies.length == 0) {
      return " – |";
    }
    double mean = Arrays.stream(efficiencies).average().orElseThrow();
    double variance =
        Arrays.stream(efficiencies).map(each -> (each - mean) * (each - mean)).sum()
            / (efficiencies.length - 1);
    return String.format(
        Locale.ROOT,
        " %.1f ± %.1f |",
        100 * mean,
        100 * QUANTILE * Math.sqrt(variance / efficiencies.length));
  }

  private static void planning(PackageSet set) throws IOException {
    System.out.printf(
        "%n### Time to plan%n%nOne closure with a budget of %d, in ms of processor time: median of 9 after"
            + " 20 to warm up, and the first in a new JVM, median of 5.%n%n| paths |",
        BUDGET);
    for (Layering layering : Layering.values()) {
      System.out.print(" " + layering.strategy().id() + " |");
    }
    System.out.println("\n|---|---|---|---|");
    for (int size : List.of(100, 1_000, 5_000, 10_000, 50_000)) {
      Corpus.Image image = closure(set, size);
      System.out.printf(Locale.ROOT, "| %,d |", image.count());
      for (Layering layering : Layering.values()) {
        double[] times = new double[29];
        for (int i = 0; i < times.length; i++) {
          times[i] = milliseconds(image, layering);
        }
        System.out.printf(Locale.ROOT, " %.1f |", median(Arrays.copyOfRange(times, 20, 29)));
      }
      System.out.println();
    }
    System.out.print("| 5,000 in a new JVM |");
    for (Layering layering : Layering.values()) {
      double[] cold = new double[5];
      for (int i = 0; i < cold.length; i++) {
        cold[i] = inNewJvm(layering);
      }
      System.out.printf(Locale.ROOT, " %.0f |", median(cold));
    }
    System.out.println();
  }

  private static double median(double[] values) {
    Arrays.sort(values);
    return values[values.length / 2];
  }

  private static double inNewJvm(Layering layering) throws IOException {
    ProcessHandle.Info self = ProcessHandle.current().info();
    Process process =
        new ProcessBuilder(
                self.command().orElse("java"),
                "-Dlayering=" + layering.name(),
                "-cp",
                System.getProperty("java.class.path"),
                LayerSharing.class.getName(),
                "--cold")
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
      return Double.parseDouble(out.readLine());
    }
  }

  /** Makes a closure of about so many paths. */
  private static Corpus.Image closure(PackageSet set, int size) {
    Revisions history = new Revisions(set, 1, 0, 7);
    List<Integer> roots = new ArrayList<>();
    List<PathInfo> closure = List.of();
    for (int root = set.packages().size() - 1; closure.size() < size && root >= 0; root--) {
      roots.add(root);
      if (roots.size() % Math.max(1, size / 100) == 0 || root == 0) {
        closure = history.closure(0, roots);
      }
    }
    TreeSet<StorePath> paths = new TreeSet<>();
    roots.forEach(root -> paths.add(history.path(0, root)));
    return new Corpus.Image(ReferenceGraph.of(closure), paths);
  }

  private static double milliseconds(Corpus.Image image, Layering layering) {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    long start = threads.getCurrentThreadCpuTime();
    if (layering
        .strategy()
        .plan(image.graph(), image.roots(), Popularity.none(), BUDGET)
        .isEmpty()) {
      throw new IllegalStateException("no layers");
    }
    return (threads.getCurrentThreadCpuTime() - start) / 1e6;
  }
}

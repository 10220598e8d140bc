package nixery.bench;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Images that are not in the storage, of packages that Nix has built already. */
final class ColdPart implements Part {

  static final String IMAGE = "shell/git/curl/jq/htop/sqlite";
  private static final String MANIFEST = "/v2/" + IMAGE + "/manifests/latest";

  @Override
  public String name() {
    return "cold";
  }

  @Override
  public String summary() {
    return "an image beyond Nix: nothing stored, all packages built; alone, and pulled 20 times at once";
  }

  @Override
  public void run(Bench bench) throws IOException {
    Map<String, String> first = bench.servers().variables("cold-0");
    try (Server nixery = bench.servers().nixery(first)) {
      nixery.get(MANIFEST); // lets Nix build
    }
    List<Double> cold = new ArrayList<>();
    List<Double> warm = new ArrayList<>();
    List<Double> twenty = new ArrayList<>();
    List<Double> pull = new ArrayList<>();
    List<Double> pullAgain = new ArrayList<>();
    List<Double> nix = new ArrayList<>();
    List<Double> peak = new ArrayList<>();
    for (int round = 0; round < bench.rounds(); round++) {
      try (Server nixery = fresh(bench, "one")) {
        cold.add(milliseconds(() -> nixery.get(MANIFEST)));
        nix.add(nixery.phaseSeconds("evaluate", "realise", "closure") * 1e3);
        warm.add(milliseconds(() -> nixery.get(MANIFEST)));
        peak.add(nixery.mebibytes("VmHWM"));
      }
      try (Server nixery = fresh(bench, "twenty")) {
        twenty.add(milliseconds(() -> atOnce(20, () -> nixery.get(MANIFEST))));
      }
      try (Server nixery = fresh(bench, "skopeo")) {
        pull.add(milliseconds(() -> copy(bench, nixery)));
        pullAgain.add(milliseconds(() -> copy(bench, nixery)));
      }
    }
    add(bench, "manifest of " + IMAGE, "ms", cold, "");
    add(bench, "of that, Nix", "ms", nix, "<= 120 ms");
    add(bench, "the same again, one evaluation", "ms", warm, "");
    add(bench, "20 at once, the last", "ms", twenty, "");
    add(bench, "skopeo copy to a folder", "ms", pull, "");
    add(bench, "the same again by skopeo", "ms", pullAgain, "");
    add(bench, "peak RSS", "MiB", peak, "");
  }

  private void add(Bench bench, String what, String unit, List<Double> samples, String goal) {
    double[] values = samples.stream().mapToDouble(value -> value).toArray();
    bench.results().add(Figure.of(name(), what, "nixery", unit, values).withGoal(goal));
  }

  private static Server fresh(Bench bench, String name) throws IOException {
    Shell.delete(bench.servers().folder("cold-" + name));
    Server server = bench.servers().nixery(bench.servers().variables("cold-" + name));
    server.get("/v2/");
    return server;
  }

  private static void copy(Bench bench, Server nixery) {
    try {
      Path target = bench.servers().folder("cold-copy");
      Shell.delete(target);
      Shell.run(
          "skopeo",
          "--insecure-policy",
          "copy",
          "--quiet",
          "--src-tls-verify=false",
          "docker://%s/%s".formatted(URI.create(nixery.url()).getAuthority(), IMAGE),
          "dir:" + target);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  static double milliseconds(Runnable work) {
    long start = System.nanoTime();
    work.run();
    return (System.nanoTime() - start) / 1e6;
  }

  private static void atOnce(int times, Runnable work) {
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < times; i++) {
        all.add(threads.submit(work));
      }
      for (Future<?> each : all) {
        each.get();
      }
    } catch (InterruptedException | ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }
}

package nixery.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.zip.GZIPInputStream;
import nixery.image.Layer;
import nixery.image.LayerPacker;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Packing of real programs by each codec, beside Go's gzip on the same archive. */
final class PackingPart implements Part {

  @Override
  public String name() {
    return "packing";
  }

  @Override
  public String summary() {
    return "from the files of programs to a stored layer, by codec and threads, and Go's gzip";
  }

  @Override
  public void run(Bench bench) throws IOException {
    try (Server nixery = bench.servers().nixery(bench.servers().variables("packing"))) {
      nixery.get("/v2/" + ColdPart.IMAGE + "/manifests/latest"); // lets Nix build
    }
    Path archive = bench.servers().folder("packing").resolve("layer.tar");
    long size = archive(archive);
    go(bench, archive, size);
    for (String codec : PackingBenchmark.CODECS) {
      ratio(bench, codec, size);
      for (int threads = 1; threads <= Runtime.getRuntime().availableProcessors(); threads++) {
        pack(bench, codec, threads, size);
      }
    }
    Files.delete(archive);
  }

  private static long archive(Path target) throws IOException {
    Path packed = target.resolveSibling("layer.tar.gz");
    try (LayerPacker packer = new LayerPacker(Servers.NIX, PackingBenchmark.codec("gzip"), 2)) {
      packer.pack(new Layer(PackingBenchmark.paths(Servers.NIX)), packed);
    }
    try (GZIPInputStream in = new GZIPInputStream(Files.newInputStream(packed))) {
      Files.copy(in, target);
    }
    Files.delete(packed);
    return Files.size(target);
  }

  private void go(Bench bench, Path archive, long size) {
    List<Double> rates = new ArrayList<>();
    double ratio = 0;
    for (int round = 0; round < bench.rounds(); round++) {
      String[] fields = Shell.run(Servers.reference(), "gzip", archive.toString()).split(" ");
      rates.add(size / 1e6 / (Double.parseDouble(fields[0]) / 1e9));
      ratio = Double.parseDouble(fields[1]) / size;
    }
    bench
        .results()
        .add(
            Figure.of(
                name(), "throughput", "go", "MB/s",
                rates.stream().mapToDouble(rate -> rate).toArray()));
    bench.results().add(Figure.of(name(), "size of 1", "go", "", ratio));
  }

  private void ratio(Bench bench, String codec, long size) throws IOException {
    Path packed = bench.servers().folder("packing").resolve("packed");
    try (LayerPacker packer = new LayerPacker(Servers.NIX, PackingBenchmark.codec(codec), 2)) {
      packer.pack(new Layer(PackingBenchmark.paths(Servers.NIX)), packed);
    }
    bench
        .results()
        .add(
            Figure.of(
                name(), "size of 1, " + codec, "nixery", "", (double) Files.size(packed) / size));
    Files.delete(packed);
  }

  private void pack(Bench bench, String codec, int threads, long size) {
    try {
      Collection<RunResult> runs =
          new Runner(
                  new OptionsBuilder()
                      .include(PackingBenchmark.class.getName())
                      .param("store", Servers.NIX.toString())
                      .param("codec", codec)
                      .param("threads", "" + threads)
                      .verbosity(VerboseMode.SILENT)
                      .build())
              .run();
      double[] rates =
          runs.stream()
              .flatMap(run -> run.getBenchmarkResults().stream())
              .flatMap(result -> result.getIterationResults().stream())
              .mapToDouble(iteration -> size / 1e6 / (iteration.getPrimaryResult().getScore() / 1e3))
              .toArray();
      bench
          .results()
          .add(
              Figure.of(
                  name(),
                  String.format(Locale.ROOT, "throughput, %s, %d threads", codec, threads),
                  "nixery",
                  "MB/s",
                  rates));
    } catch (RunnerException e) {
      throw new IllegalStateException(e);
    }
  }
}

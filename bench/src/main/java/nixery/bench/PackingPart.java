package nixery.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
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
    Figure[] go = go(bench, archive, size);
    for (String codec : PackingBenchmark.CODECS) {
      ratio(bench, codec, size);
      bench.results().add(go[1].named("size of 1, " + codec));
      for (int threads = 1; threads <= Runtime.getRuntime().availableProcessors(); threads++) {
        String what = "%s, %d compressing".formatted(codec, threads);
        pack(bench, what, codec, threads, size);
        bench.results().add(go[0].named(what));
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

  /** Returns throughput and ratio. */
  private Figure[] go(Bench bench, Path archive, long size) {
    double[] ratio = new double[1];
    double[] rates =
        bench.repeat(_ -> {
          String[] fields =
              Shell.run(Servers.reference(), "gzip", archive.toString()).split(" ", -1);
          ratio[0] = Double.parseDouble(fields[1]) / size;
          return size / 1e6 / (Double.parseDouble(fields[0]) / 1e9);
        });
    return new Figure[] {
      Figure.of(name(), "", "go gzip", "MB/s", rates), Figure.of(name(), "", "go gzip", "", ratio)
    };
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

  private void pack(Bench bench, String what, String codec, int threads, long size) {
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
              .mapToDouble(
                  iteration -> size / 1e6 / (iteration.getPrimaryResult().getScore() / 1e3))
              .toArray();
      bench
          .results()
          .add(
              Figure.of(name(), what, "nixery", "MB/s", rates)
                  .withGoal(threads == 1 ? "" : codec.equals("zstd") ? ">= 14 x go" : ">= 4 x go"));
    } catch (RunnerException e) {
      throw new IllegalStateException(e);
    }
  }
}

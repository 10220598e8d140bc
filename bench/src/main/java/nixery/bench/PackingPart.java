package nixery.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import nixery.image.Layer;
import nixery.image.LayerPacker;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Packing of real programs by each codec, beside what Go does with the same files. */
final class PackingPart implements Part {

  @Override
  public String name() {
    return "packing";
  }

  @Override
  public String summary() {
    return "from the files of programs to a stored layer, by codec and threads, and with Go";
  }

  @Override
  public void run(Bench bench) throws IOException {
    try (Server nixery = bench.servers().nixery(bench.servers().variables("packing"))) {
      nixery.get("/v2/" + ColdPart.IMAGE + "/manifests/latest"); // lets Nix build
    }
    Go go = go(bench);
    for (String codec : PackingBenchmark.CODECS) {
      ratio(bench, codec, go.size);
      bench.results().add(go.ratio.named("size of 1, " + codec));
      for (int threads = 1; threads <= Runtime.getRuntime().availableProcessors(); threads++) {
        String what = "%s, %d compressing".formatted(codec, threads);
        pack(bench, what, codec, threads, go.size);
        bench.results().add(go.rate.named(what));
      }
    }
  }

  /** What Go does with the same files: how large they are in an archive, ratio and throughput. */
  private record Go(long size, Figure ratio, Figure rate) {}

  private Go go(Bench bench) {
    long[] sizes = new long[2];
    double[] rates =
        bench.repeat(_ -> {
          String[] fields =
              Shell.run(Servers.reference(), "pack", Servers.NIX.toString()).split(" ", -1);
          sizes[0] = Long.parseLong(fields[1]);
          sizes[1] = Long.parseLong(fields[2]);
          return sizes[0] / 1e6 / (Double.parseDouble(fields[0]) / 1e9);
        });
    return new Go(
        sizes[0],
        Figure.of(name(), "", "go", "", (double) sizes[1] / sizes[0]),
        Figure.of(name(), "", "go", "MB/s", rates));
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
                  .withGoal(
                      threads == 1 ? "" : codec.startsWith("zstd") ? ">= 14 x go" : ">= 4 x go"));
    } catch (RunnerException e) {
      throw new IllegalStateException(e);
    }
  }
}

package nixery.source.channel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import nixery.api.PluginContext;
import nixery.api.Scratch;
import nixery.api.Settings;
import nixery.api.source.PackageSet;
import nixery.api.source.PackageSource;
import nixery.source.channel.Tarballs.Tar;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A tarball of nixpkgs' size is unpacked by a process with little memory. */
@Timeout(300)
class LargeTarballTests {

  private static final int PACKAGES = 25_000;
  private static final String REVISION = Tarballs.REVISIONS.getFirst();

  @TempDir Path temporary;

  @Test
  void unpacksFiftyThousandFilesInLittleMemory() throws Exception {
    Path archive = temporary.resolve("nixexprs.tar");
    writeArchive(archive);
    // The dictionary of xz -9, as large as the limit allows for.
    byte[] tarball =
        Tarballs.run(
            temporary, "xz", "-c", "-T1", "--lzma2=preset=0,dict=64MiB", archive.toString());
    long size = Files.size(archive);
    Files.delete(archive);
    Path cache = Files.createTempDirectory(fastFolder(), "nixery");
    try (ChannelHost host = new ChannelHost()) {
      host.publish("nixos-unstable", REVISION, tarball);
      Process process =
          ChannelSourceTests.otherProcess(
              Checkout.class,
              List.of("-Xmx128m", "-XX:+UseSerialGC"),
              List.of(host.channels(), cache.toString()));
      String report =
          new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isZero();
      assertThat(report).startsWith("checked out 50002 files");
      System.out.println(
          "a tarball of %d MB (%d MB in %d files): %s"
              .formatted(tarball.length >> 20, size >> 20, 2 * PACKAGES + 2, report));
    } finally {
      Scratch.deleteTree(cache);
    }
  }

  /** Returns a folder in memory if there is one: 50,000 files take a disk minutes, not the code. */
  private Path fastFolder() throws IOException {
    Path memory = Path.of("/dev/shm");
    return Files.isWritable(memory) && Files.getFileStore(memory).getUsableSpace() > 1L << 30
        ? memory
        : temporary;
  }

  private static void writeArchive(Path archive) throws IOException {
    Random random = new Random(1);
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(archive))) {
      out.write(
          new Tar()
              .folder("nixos-1/")
              .file("nixos-1/default.nix", "{ }")
              .file("nixos-1/.git-revision", REVISION)
              .raw());
      for (int i = 0; i < PACKAGES; i++) {
        String folder = "nixos-1/pkgs/by-name/%02d/package-%d/".formatted(i % 100, i);
        Tar files = new Tar().folder(folder);
        files.file(folder + "package.nix", "{ }: %x\n".formatted(random.nextLong()).repeat(150));
        if (i > 0) {
          byte[] hash = new byte[800];
          random.nextBytes(hash);
          files.file(folder + "sources.json", HexFormat.of().formatHex(hash));
        }
        out.write(files.raw());
      }
      out.write(new Tar().file("nixos-1/last.nix", "{ }").end());
    }
  }

  /** The process with little memory. */
  static final class Checkout {

    public static void main(String[] arguments) throws IOException {
      Settings settings =
          Settings.of(
              Map.of("NIXERY_CHANNEL", "nixos-unstable", "NIXERY_CHANNEL_URL", arguments[0]));
      PluginContext context = new PluginContext(settings, Path.of(arguments[1]));
      long files;
      long first;
      long second;
      try (PackageSource source = new ChannelSourceProvider().open(context)) {
        long start = System.nanoTime();
        source.checkout(source.resolve("latest")).close();
        first = System.nanoTime() - start;
      }
      // As after a restart: the tree on disk is counted before it is used.
      try (PackageSource source = new ChannelSourceProvider().open(context)) {
        long start = System.nanoTime();
        try (PackageSet set = source.checkout(source.resolve("latest"));
            Stream<Path> found = Files.walk(set.path())) {
          second = System.nanoTime() - start;
          files = found.filter(Files::isRegularFile).count();
        }
      }
      long peak =
          ManagementFactory.getMemoryPoolMXBeans().stream()
              .filter(pool -> pool.getType() == java.lang.management.MemoryType.HEAP)
              .map(MemoryPoolMXBean::getPeakUsage)
              .mapToLong(usage -> usage.getUsed())
              .sum();
      System.out.println(
          "checked out %d files in %d ms, found again in %d ms, CPU %d ms, peak heap %d MB"
              .formatted(
                  files,
                  Duration.ofNanos(first).toMillis(),
                  Duration.ofNanos(second).toMillis(),
                  ProcessHandle.current().info().totalCpuDuration().orElseThrow().toMillis(),
                  peak >> 20));
    }
  }
}

package nixery.server.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import nixery.api.PluginContext;
import nixery.api.Settings;
import nixery.api.storage.Storage;
import nixery.image.Architecture;
import nixery.image.Codec;
import nixery.image.Digest;
import nixery.image.ImageConfig;
import nixery.image.LayerPacker;
import nixery.image.LayeringStrategy;
import nixery.image.Popularity;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import nixery.server.metrics.Metrics;
import nixery.server.nix.Nix;
import nixery.server.nix.Resolved;
import nixery.server.nix.TestNix;
import nixery.server.progress.Builds;
import nixery.server.progress.Redaction;
import nixery.storage.fs.FileSystemStorageProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What keeps an image from being built is told by whose fault it is. */
@Timeout(120)
final class ImageBuilderTests {

  private static final Digest KEY = Digest.of("key".getBytes(StandardCharsets.UTF_8));

  private final Metrics metrics = new Metrics("test");
  private final Builds builds = new Builds(true, new Redaction(List.of()));

  @TempDir private Path folder;
  private TestNix test;
  private Storage storage;
  private ImageStore store;

  @BeforeEach
  void open() throws IOException {
    test = TestNix.of(TestNix.Version.INSTALLED);
    Map<String, String> environment = Map.of("STORAGE_PATH", folder.resolve("storage").toString());
    storage =
        new FileSystemStorageProvider().open(new PluginContext(Settings.of(environment), folder));
    store = new ImageStore(storage, Duration.ZERO);
  }

  @AfterEach
  void close() throws IOException {
    store.close();
    storage.close();
    test.close();
  }

  private List<Resolved.Found> packages(Nix nix) throws Exception {
    Path set =
        Files.writeString(
            folder.resolve("set.nix"), TestNix.PRELUDE + "{ ... }: { a = ok \"a\"; }");
    return nix
        .resolve(set, TestNix.SYSTEM, new TreeSet<>(List.of("a")))
        .packages()
        .values()
        .stream()
        .map(resolved -> (Resolved.Found) resolved)
        .toList();
  }

  /** Builds an image of a package whose store is looked for in one folder, by way of another. */
  private Image build(Path storeRoot, Path spool) throws Exception {
    Nix nix = test.open();
    List<Resolved.Found> packages = packages(nix);
    BuildConfig config =
        new BuildConfig(
            1,
            94,
            LayeringStrategy.standard(),
            Popularity::none,
            ImageConfig.builder(Architecture.AMD64).build(),
            storeRoot,
            spool,
            Duration.ofSeconds(10),
            Duration.ZERO);
    try (LayerPacker packer = new LayerPacker(storeRoot, Codec.java(1), 1);
        ImageBuilder builder =
            new ImageBuilder(
                config,
                new Keys(config, packer),
                nix,
                store,
                new Leases(storage, config.leaseDuration()),
                packer,
                metrics)) {
      return builds.run(
          "a",
          "latest",
          build ->
              Interruptible.run(() ->
                  builder.build(KEY, ImageName.parse("a"), packages, Popularity.none(), build)));
    }
  }

  @Test
  void aSpoolAndAStoreThatFailAreToldApart() throws Exception {
    Path spool = folder.resolve("spool");
    assertThatExceptionOfType(Failure.class)
        .isThrownBy(() -> build(test.store, spool))
        .withMessage("a layer cannot be packed now: try again later")
        .withStackTraceContaining("cannot pack into the spool folder " + spool)
        .extracting(Failure::code)
        .isEqualTo(FailureCode.STORAGE_UNAVAILABLE);

    Files.createDirectory(spool);
    Path elsewhere = folder.resolve("elsewhere");
    assertThatExceptionOfType(Failure.class)
        .isThrownBy(() -> build(elsewhere, spool))
        .withMessage("a package cannot be read from the Nix store")
        .withStackTraceContaining(elsewhere.toString())
        .extracting(Failure::code)
        .isEqualTo(FailureCode.NIX_UNAVAILABLE);

    assertThat(build(test.store, spool).docker()).isPresent();
  }

  @Test
  void whatOnlySeemsToBeInTheStoreIsBuilt() throws Exception {
    Path output;
    try (Nix nix = test.open()) {
      String path = packages(nix).getFirst().outputs().getFirst().path();
      output = test.store.resolve(path.substring(1));
    }
    Files.createDirectories(output);

    assertThat(build(test.store, Files.createDirectory(folder.resolve("spool"))).docker())
        .isPresent();
    assertThat(output).isRegularFile();
  }
}

package nixery.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import nixery.image.Codec;
import nixery.image.Compression;
import nixery.image.Layer;
import nixery.image.LayerPacker;
import nixery.image.PackedLayer;
import nixery.image.StorePath;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Packs one layer of real programs, from their files to the file of the layer. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 2)
@Measurement(iterations = 5)
public class PackingBenchmark {

  private static final String FAST = "zstd level 1";

  /** The codecs that are measured, each with its default level unless it says otherwise. */
  static final String[] CODECS = {"gzip", "gzip by Java", "zstd", FAST};

  /** The folder under which {@code nix/store} lies. */
  @Param("")
  public String store;

  /** One of {@link #CODECS}. */
  @Param("gzip")
  public String codec;

  /** How many threads compress. */
  @Param("2")
  public int threads;

  private LayerPacker packer;
  private Layer layer;
  private Path file;

  /** For JMH. */
  public PackingBenchmark() {}

  /**
   * Opens the packer.
   *
   * @throws IOException if there is no such store
   */
  @Setup
  public void open() throws IOException {
    packer = new LayerPacker(Path.of(store), codec(codec), threads);
    layer = new Layer(paths(Path.of(store)));
    file = Files.createTempFile("packing", "");
  }

  static Codec codec(String name) {
    if (name.equals("gzip by Java")) {
      return Codec.java(Compression.GZIP.defaultLevel());
    }
    if (name.equals(FAST)) {
      return Codec.open(Compression.ZSTD, 1, Optional.empty());
    }
    Compression compression = Compression.valueOf(name.toUpperCase(Locale.ROOT));
    return Codec.open(compression, compression.defaultLevel(), Optional.empty());
  }

  /** Returns all outputs in a store that are folders. */
  static SortedSet<StorePath> paths(Path store) throws IOException {
    try (var entries = Files.list(store.resolve("nix/store"))) {
      return entries
          .filter(Files::isDirectory)
          .filter(path -> !path.getFileName().toString().startsWith("."))
          .map(path -> StorePath.parse("/nix/store/" + path.getFileName()))
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }

  /**
   * Closes the packer.
   *
   * @throws IOException if what was packed cannot be deleted
   */
  @TearDown
  public void close() throws IOException {
    packer.close();
    Files.deleteIfExists(file);
  }

  /**
   * Packs.
   *
   * @return what was packed
   * @throws IOException if that fails
   */
  @Benchmark
  public PackedLayer pack() throws IOException {
    return packer.pack(layer, file);
  }
}

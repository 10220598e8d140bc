package nixery.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is packed is checked with GNU tar and gzip. */
@Timeout(120)
class LayerPackerTests {

  private static final StorePath PATH = Graphs.path(1);
  private static final Codec GZIP = Codec.java(6);
  private static final StorePath OTHER = Graphs.path(2);

  @TempDir private Path temporary;
  private Path root;
  private Path store;

  @BeforeEach
  void makeStore() throws IOException {
    root = temporary.resolve("root");
    store = Files.createDirectories(root.resolve("nix/store"));
  }

  @Test
  void isWhatTarUnpacks() throws Exception {
    Path path = Files.createDirectories(store.resolve(PATH.baseName()));
    Files.writeString(write(path.resolve("bin/run"), 3000), "#!/bin/sh\n");
    Files.setPosixFilePermissions(
        path.resolve("bin/run"), PosixFilePermissions.fromString("rwx------"));
    write(path.resolve("empty"), 0);
    write(path.resolve("one-block"), 512);
    write(path.resolve("large"), 3_000_000);
    write(path.resolve("a".repeat(100)), 1);
    write(path.resolve("b".repeat(200)), 1);
    write(path.resolve("c".repeat(90) + "/" + "d".repeat(90) + "/" + "e".repeat(90)), 1);
    write(path.resolve("f".repeat(255) + "/" + "g".repeat(255)), 1);
    write(path.resolve("with \n newline and = and \\"), 1);
    Files.createDirectories(path.resolve("empty-directory"));
    Files.createLink(path.resolve("hard-link"), path.resolve("one-block"));
    Files.createSymbolicLink(path.resolve("link"), Path.of("../relative//target/"));
    Files.createSymbolicLink(path.resolve("long-link"), Path.of("/x" + "/long".repeat(100)));
    Files.createSymbolicLink(path.resolve("dangling"), Path.of("nowhere"));
    write(store.resolve(OTHER.baseName()), 10);
    Layer layer = layer(PATH, OTHER);

    Path target = Files.createDirectory(temporary.resolve("target"));
    try (LayerPacker packer = new LayerPacker(root, GZIP, 2)) {
      Tool.run(target, "tar", "-xpzf", packer.pack(layer, file("layer")).file().toString());
    }

    assertThat(tree(target)).isEqualTo(tree(root));
    assertThat(modes(target, "nix", "nix/store")).containsExactly("rwxr-xr-x", "rwxr-xr-x");
    Path unpacked = target.resolve("nix/store").resolve(PATH.baseName());
    assertThat(modes(unpacked, "", "bin", "bin/run", "large", "hard-link"))
        .containsExactly("r-xr-xr-x", "r-xr-xr-x", "r-xr-xr-x", "r--r--r--", "r--r--r--");
    assertThat(Files.getAttribute(unpacked.resolve("large"), "unix:nlink")).isEqualTo(1);
    assertThat(Files.getLastModifiedTime(unpacked.resolve("large")))
        .isEqualTo(FileTime.fromMillis(1000));
    Tool.run(temporary, "chmod", "-R", "u+w", target.toString());
  }

  @Test
  void namesAreBytesInAnyEncoding() throws Exception {
    Path path = Files.createDirectories(store.resolve(PATH.baseName()));
    String base = path.toUri().toString();
    for (String name : List.of("utf-8-%C3%A4", "latin-1-%E4", "%E4".repeat(150), "%C3%A4/%FF")) {
      write(Path.of(URI.create(base + name)), 1);
    }
    Files.createSymbolicLink(path.resolve("utf-8"), Path.of(URI.create("file:///%C3%A4/x")));
    Files.createSymbolicLink(path.resolve("latin-1"), Path.of(URI.create("file:///%E4/x")));
    Path here = Path.of("").toAbsolutePath();
    Files.createSymbolicLink(
        path.resolve("relative"), here.relativize(Path.of(URI.create(here.toUri() + "%E4/x"))));

    Path target = Files.createDirectory(temporary.resolve("target"));
    try (LayerPacker packer = new LayerPacker(root, GZIP, 1)) {
      Path packed = packer.pack(layer(PATH), file("layer")).file();
      Tool.run(target, "tar", "-xzf", packed.toString());
      // The same in a Java runtime of another locale.
      Path again = file("again");
      Tool.run(
          temporary,
          Map.of("LC_ALL", "C"),
          Path.of(System.getProperty("java.home"), "bin/java").toString(),
          "-cp",
          System.getProperty("java.class.path"),
          PackOne.class.getName(),
          root.toString(),
          PATH.toString(),
          again.toString());
      assertThat(again).hasSameBinaryContentAs(packed);
    }

    assertThat(Tool.run(target, "find", ".", "-printf", "%p %l\n").lines().sorted())
        .isEqualTo(Tool.run(root, "find", ".", "-printf", "%p %l\n").lines().sorted().toList())
        .anyMatch(line -> line.endsWith("/latin-1-\u00e4 "))
        .anyMatch(line -> line.endsWith("/relative \u00e4/x"));
    Tool.run(temporary, "chmod", "-R", "u+w", target.toString());
  }

  /** Packs in a Java runtime of its own. */
  static final class PackOne {
    private PackOne() {}

    public static void main(String[] arguments) throws IOException {
      try (LayerPacker packer = new LayerPacker(Path.of(arguments[0]), GZIP, 1)) {
        packer.pack(layer(StorePath.parse(arguments[1])), Path.of(arguments[2]));
      }
    }
  }

  @Test
  void bytesDoNotDependOnThreadsOrModesOrTimes() throws Exception {
    Path path = store.resolve(PATH.baseName());
    for (int i = 0; i < 20; i++) {
      write(path.resolve("file" + i), i * 40_000);
    }
    List<PackedLayer> packed = new ArrayList<>();
    for (int threads = 1; threads <= 4; threads++) {
      try (LayerPacker packer = new LayerPacker(root, GZIP, threads)) {
        packed.add(packer.pack(layer(PATH), file("layer" + threads)));
      }
      Files.setLastModifiedTime(path.resolve("file3"), FileTime.fromMillis(threads * 100_000L));
      Files.setPosixFilePermissions(
          path.resolve("file4"), PosixFilePermissions.fromString("rw-rw-rw-"));
    }

    assertThat(packed).extracting(PackedLayer::info).containsOnly(packed.getFirst().info());
    PackedLayer first = packed.getFirst();
    assertThat(Digest.of(Files.readAllBytes(first.file()))).isEqualTo(first.digest());
    assertThat(first.file()).hasSize(first.size());
    Tool.run(temporary, "gzip", "-t", first.file().toString());
    try (InputStream tar = new GZIPInputStream(Files.newInputStream(first.file()))) {
      assertThat(Digest.of(tar.readAllBytes())).isEqualTo(first.diffId());
    }
  }

  /** The archives that are kept in storages: if they change, so must {@link LayerPacker#family}. */
  @Test
  void archivesAreThoseOfTheFormat() throws Exception {
    Random random = new Random(4);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 300_000; i++) {
      text.append("word").append(random.nextInt(5000)).append(i % 9 == 0 ? '\n' : ' ');
    }
    Files.writeString(Files.createDirectories(store.resolve(PATH.baseName())).resolve("t"), text);
    try (LayerPacker packer = new LayerPacker(root, GZIP, 2)) {
      assertThat(packer.family() + " " + packer.pack(layer(PATH), file("layer")).diffId())
          .isEqualTo(
              "tar-1 block-1048576 gzip-6 sha256:74d566bd143e267691b9b9b97193d1c6d6f4e8bdf5d4090137cf1c78b0703de8");
    }
  }

  /** More calls than there are blocks to share: none waits for another for ever. */
  @Test
  void manyPackAtTheSameTime() throws Exception {
    write(store.resolve(PATH.baseName()), 3_500_000);
    try (LayerPacker packer = new LayerPacker(root, GZIP, 1);
        ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Callable<PackedLayer>> calls = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        Path file = file("layer" + i);
        calls.add(() -> packer.pack(layer(PATH), file));
      }
      TreeSet<Digest> digests = new TreeSet<>();
      for (Future<PackedLayer> packed : callers.invokeAll(calls)) {
        digests.add(packed.get().digest());
      }
      assertThat(digests).hasSize(1);
    }
  }

  @Test
  void refusesWhatALayerCannotHold() throws Exception {
    Path path = Files.createDirectories(store.resolve(PATH.baseName()));
    Tool.run(path, "mkfifo", "pipe");
    try (LayerPacker packer = new LayerPacker(root, GZIP, 1)) {
      assertThatExceptionOfType(UnpackableException.class)
          .isThrownBy(() -> packer.pack(layer(PATH), file("layer")))
          .withMessageContaining(PATH + "/pipe")
          .withMessageContaining("no file, directory or symbolic link");
      assertThat(file("layer")).doesNotExist();

      Files.delete(path.resolve("pipe"));
      write(path.resolve(".wh.bin"), 1);
      assertThatExceptionOfType(UnpackableException.class)
          .isThrownBy(() -> packer.pack(layer(PATH), file("layer")))
          .withMessageContaining("name begins with .wh.");

      // The blocks of what failed are there for what comes next.
      write(store.resolve(OTHER.baseName()), 3_000_000);
      assertThat(packer.pack(layer(OTHER), file("layer")).file()).exists();
    }
  }

  @Test
  void tellsADiskThatIsFullFromAStoreThatCannotBeRead() throws Exception {
    write(store.resolve(PATH.baseName()), 8_000_000);
    try (LayerPacker packer = new LayerPacker(root, GZIP, 1)) {
      Path target = Files.createSymbolicLink(file("layer"), Path.of("/dev/full"));
      assertThatIOException()
          .isThrownBy(() -> packer.pack(layer(PATH), target))
          .withMessage("No space left on device")
          .isNotInstanceOf(UnreadableException.class);
      assertThat(target).doesNotExist();

      assertThatExceptionOfType(UnreadableException.class)
          .isThrownBy(() -> packer.pack(layer(OTHER), target))
          .withMessageContaining(OTHER.baseName());
      assertThatExceptionOfType(UnreadableException.class)
          .isThrownBy(() -> LinkTree.of(List.of(OTHER), root))
          .withMessageContaining(OTHER.baseName());
    }
  }

  @Test
  void stopsWhenInterrupted() throws Exception {
    write(store.resolve(PATH.baseName()), 3_500_000);
    try (LayerPacker packer = new LayerPacker(root, GZIP, 1)) {
      Thread.currentThread().interrupt();
      assertThatIOException().isThrownBy(() -> packer.pack(layer(PATH), file("layer")));
      assertThat(Thread.interrupted()).isTrue();
      assertThat(file("layer")).doesNotExist();
      assertThat(packer.pack(layer(PATH), file("layer")).file()).exists();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {9, 11})
  void refusesFilesThatChange(int length) {
    TarWriter tar = new TarWriter(new ByteArrayOutputStream());
    assertThatIOException()
        .isThrownBy(() -> tar.file("x", 0444, 10, new ByteArrayInputStream(new byte[length])))
        .withMessageContaining("while it was read");
  }

  @Test
  void sizesBeyondUstar() throws Exception {
    for (long size : new long[] {(1L << 33) - 1, 1L << 33, 1L << 40}) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      TarWriter tar = new TarWriter(bytes);
      tar.entry("large", '0', 0444, size, "");
      Path file = Files.write(file("tar"), bytes.toByteArray());
      // There is nothing but the header: tar tells it, and then that the rest is missing.
      assertThat(Tool.run(temporary, "sh", "-c", "tar -tvf '" + file + "' 2>/dev/null || true"))
          .startsWith("-r--r--r-- 0/0 ")
          .contains(" " + size + " 1970-01-01 ");
      assertThat(new String(bytes.toByteArray(), StandardCharsets.ISO_8859_1).contains("PaxHeader"))
          .isEqualTo(size >= 1L << 33);
    }
  }

  private Path file(String name) {
    return temporary.resolve(name);
  }

  private static Layer layer(StorePath... paths) {
    return new Layer(new TreeSet<>(List.of(paths)));
  }

  private static Path write(Path file, int size) throws IOException {
    byte[] bytes = new byte[size];
    new Random(size).nextBytes(bytes);
    Files.createDirectories(file.getParent());
    return Files.write(file, bytes);
  }

  private static List<String> modes(Path directory, String... names) throws IOException {
    List<String> modes = new ArrayList<>();
    for (String name : names) {
      modes.add(
          PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve(name))));
    }
    return modes;
  }

  private static SortedMap<String, String> tree(Path directory) throws IOException {
    SortedMap<String, String> tree = new TreeMap<>();
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.toList()) {
        String what =
            Files.isSymbolicLink(file)
                ? "-> " + Files.readSymbolicLink(file)
                : Files.isDirectory(file)
                    ? "directory"
                    : Digest.of(Files.readAllBytes(file)).toString();
        tree.put(directory.relativize(file).toString(), what);
      }
    }
    return tree;
  }
}

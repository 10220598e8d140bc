package nixery.source.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import nixery.api.Scratch;
import nixery.property.Property;
import nixery.source.channel.Tarballs.Tar;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TarballTests {

  private static final Tarball.Limits LIMITS = Tarball.Limits.NIXPKGS;

  @TempDir Path temporary;
  private Path folder;

  @BeforeEach
  void makeFolder() throws IOException {
    folder = Files.createDirectory(temporary.resolve("source"));
  }

  private Optional<String> unpack(byte[] tarball) throws IOException {
    return Tarball.unpack(Tarballs.stream(tarball), folder, LIMITS);
  }

  /** Returns what Nix sees of a folder. */
  private static Map<String, String> contents(Path folder) throws IOException {
    Map<String, String> contents = new TreeMap<>();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        String what =
            Files.isSymbolicLink(file)
                ? "-> " + Files.readSymbolicLink(file)
                : Files.isDirectory(file)
                    ? "/"
                    : (Files.isExecutable(file) ? "x" : "-")
                        + Arrays.hashCode(Files.readAllBytes(file));
        contents.put(folder.relativize(file).toString(), what);
      }
    }
    return contents;
  }

  private Path sample() throws IOException {
    Path sample = Files.createDirectories(temporary.resolve("nixpkgs"));
    Files.writeString(sample.resolve("default.nix"), "{ }: { }");
    Files.writeString(sample.resolve("empty"), "");
    Files.write(sample.resolve("blocks"), new byte[1024]);
    Files.write(sample.resolve("large"), new byte[3_000_001]);
    String fifty = "a-folder-whose-name-has-fifty-characters-or-so-0123";
    Path deep = Files.createDirectories(sample.resolve(fifty).resolve(fifty));
    Files.writeString(deep.resolve("x".repeat(90)), "deep");
    Files.createDirectories(sample.resolve("empty-folder"));
    Path script = Files.writeString(sample.resolve("run.sh"), "#!/bin/sh\n");
    assertThat(script.toFile().setExecutable(true)).isTrue();
    Files.createSymbolicLink(sample.resolve(".version"), Path.of("lib/.version"));
    Files.createSymbolicLink(deep.resolve("up"), Path.of("../../default.nix"));
    Files.createSymbolicLink(sample.resolve("dangling"), Path.of("nothing"));
    Files.createLink(sample.resolve("same"), sample.resolve("run.sh"));
    return sample;
  }

  @ParameterizedTest
  @ValueSource(strings = {"posix", "gnu", "ustar"})
  void unpacksWhatGnuTarPacks(String format) throws IOException {
    Path sample = sample();
    byte[] archive =
        Tarballs.run(temporary, "tar", "--format", format, "--sort=name", "-cf", "-", "nixpkgs");
    unpack(Tarballs.xz(archive));
    assertThat(contents(folder)).isEqualTo(contents(sample));
  }

  @Test
  void unpacksLongNamesOfAllKinds() throws IOException {
    Path sample = sample();
    Path deep = sample;
    for (int i = 0; i < 5; i++) {
      deep = Files.createDirectory(deep.resolve("y".repeat(200)));
    }
    Files.writeString(deep.resolve("z".repeat(255)), "deep");
    Files.writeString(sample.resolve("\u00fc\u0142\u20ac"), "not ASCII");
    Files.createSymbolicLink(
        sample.resolve("long-link"), sample.relativize(deep.resolve("z".repeat(255))));
    unpack(Tarballs.gzip(Tarballs.run(temporary, "tar", "--format=gnu", "-cf", "-", "nixpkgs")));
    assertThat(contents(folder)).isEqualTo(contents(sample));

    Path again = Files.createDirectory(temporary.resolve("again"));
    Tarball.unpack(
        Tarballs.stream(Tarballs.run(temporary, "tar", "--format=posix", "-cJf", "-", "nixpkgs")),
        again,
        LIMITS);
    assertThat(contents(again)).isEqualTo(contents(sample));
  }

  @Test
  void unpacksWhatGitArchives() throws IOException {
    Path sample = sample();
    Files.delete(sample.resolve("empty-folder")); // git has no empty folders
    Tarballs.run(sample, "git", "init", "-q");
    Tarballs.run(sample, "git", "add", "-A");
    Tarballs.run(
        sample, "git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "one");
    String commit =
        new String(Tarballs.run(sample, "git", "rev-parse", "HEAD"), StandardCharsets.UTF_8)
            .strip();
    byte[] tarball =
        Tarballs.run(
            sample,
            "git",
            "archive",
            "--format=tar.gz",
            "--prefix=nixpkgs-" + commit + "/",
            "HEAD");
    assertThat(unpack(tarball)).contains(commit);
    Scratch.deleteTree(sample.resolve(".git"));
    assertThat(contents(folder)).isEqualTo(contents(sample));
  }

  @Test
  void acceptsNamesThatBeginWithADot() throws IOException {
    sample();
    unpack(Tarballs.xz(Tarballs.run(temporary, "tar", "-cf", "-", "./nixpkgs")));
    assertThat(folder.resolve("default.nix")).exists();
  }

  static Stream<Arguments> hostile() {
    String long256 = "n".repeat(256);
    return Stream.of(
        arguments("absolute name", tar().file("/etc/x", "x")),
        arguments("up at the start", tar().file("../x", "x")),
        arguments("up within", tar().file("top/../../x", "x")),
        arguments("up at the end", tar().folder("top/a/..")),
        arguments("no name", tar().file("", "x")),
        arguments("no name but a slash", tar().folder("/")),
        arguments("absolute in pax", tar().pax('x', "path=/tmp/x").file("top/x", "x")),
        arguments("up in pax", tar().pax('x', "path=top/../../x").file("top/x", "x")),
        arguments("zero byte in pax", tar().pax('x', "path=top/a\0b").file("top/x", "x")),
        arguments("up in GNU name", tar().entry('L', "l", "", "../x\0").file("top/x", "x")),
        arguments("beside the top folder", tar().file("other/x", "x")),
        arguments("file for a top folder", new Tar().file("top", "x")),
        arguments("link for a top folder", new Tar().link("top", "/tmp").file("top/x", "x")),
        arguments("absolute link", tar().link("top/l", "/etc")),
        arguments("link out", tar().link("top/l", "..")),
        arguments("link out from below", tar().link("top/a/b/l", "../../../x")),
        arguments("link beside the top folder", tar().link("top/l", "../top/x")),
        arguments("link through a link", tar().link("top/a/l", "b/../../../x")),
        arguments("link down and up", tar().link("top/l", "a/..")),
        arguments("link to nothing", tar().link("top/l", "")),
        arguments(
            "overlong link", tar().pax('x', "linkpath=" + "a/".repeat(2000)).link("top/l", "a")),
        arguments("file through a link", tar().link("top/l", "a").file("top/l/x", "x")),
        arguments("folder over a link", tar().folder("top/a").link("top/l", "a").folder("top/l")),
        arguments("folder through a link", tar().link("top/l", "a").folder("top/l/b")),
        arguments("file over a link", tar().link("top/l", "a").file("top/l", "x")),
        arguments("file below a file", tar().file("top/f", "x").file("top/f/g", "x")),
        arguments("file twice", tar().file("top/f", "x").file("top/f", "y")),
        arguments("file over a folder", tar().folder("top/f").file("top/f", "y")),
        arguments("hard link out", tar().entry('1', "top/h", "../../etc/passwd", "")),
        arguments("absolute hard link", tar().entry('1', "top/h", "/etc/passwd", "")),
        arguments("hard link to nothing", tar().entry('1', "top/h", "top/x", "")),
        arguments("hard link to itself", tar().entry('1', "top/h", "top/h", "")),
        arguments("hard link to a folder", tar().entry('1', "top/h", "top", "")),
        arguments("hard link to the root", tar().entry('1', "top/h", ".", "")),
        arguments("hard link beside", tar().file("top/f", "x").entry('1', "top/h", "o/f", "")),
        arguments("hard link to a link", tar().link("top/l", "a").entry('1', "top/h", "top/l", "")),
        arguments(
            "hard link through a link",
            tar().file("top/a/f", "x").link("top/l", "a").entry('1', "top/h", "top/l/f", "")),
        arguments(
            "hard link below a file", tar().file("top/f", "x").entry('1', "top/h", "top/f/g", "")),
        arguments("character device", tar().entry('3', "top/d", "", "")),
        arguments("block device", tar().entry('4', "top/d", "", "")),
        arguments("fifo", tar().entry('6', "top/d", "", "")),
        arguments("contiguous file", tar().entry('7', "top/d", "", "")),
        arguments("GNU sparse file", tar().entry('S', "top/d", "", "")),
        arguments("pax sparse file", tar().pax('x', "GNU.sparse.major=1").file("top/x", "x")),
        arguments("volume header", tar().entry('V', "top/d", "", "")),
        arguments("unknown type", tar().entry('\u00ff', "top/d", "", "")),
        arguments("folder with content", tar().entry('5', "top/d", "", "content")),
        arguments("link with content", tar().entry('2', "top/d", "a", "content")),
        arguments("overlong component", tar().pax('x', "path=top/" + long256).file("top/x", "x")),
        arguments(
            "overlong path", tar().pax('x', "path=top" + "/a".repeat(1100)).file("top/x", "x")),
        arguments("pax path for all", tar().pax('g', "path=top/x").file("top/x", "x")),
        arguments("binary names", tar().pax('x', "hdrcharset=BINARY").file("top/x", "x")),
        arguments("malformed pax", tar().entry('x', "h", "", "99 path=x\n").file("top/x", "x")),
        arguments("pax without equals", tar().entry('x', "h", "", "7 path\n").file("top/x", "x")),
        arguments("pax of no length", tar().entry('x', "h", "", "0 a=b\n").file("top/x", "x")),
        arguments("pax of small length", tar().entry('x', "h", "", "3 a=b\n").file("top/x", "x")),
        arguments("negative pax size", tar().pax('x', "size=-1").file("top/x", "x")),
        arguments("huge pax size", tar().pax('x', "size=999999999999999999").file("top/x", "x")),
        arguments("huge pax", tar().entry('x', "h", "", "x".repeat(70_000)).file("top/x", "x")),
        arguments("pax before the end", tar().pax('x', "path=top/x")),
        arguments("name that is not UTF-8", tar().entry('L', "l", "", new byte[] {-1, -2})),
        arguments("malformed size", tar().header('0', "top/x", "", "0000000009")),
        arguments("negative size", tar().header('0', "top/x", "", "-1")),
        arguments("size beyond octal", tar().header('0', "top/x", "", "\u0080")),
        arguments("size beyond the end", tar().header('0', "top/x", "", "77777777777")),
        arguments("nothing", new Tar()),
        arguments("nothing but a comment", new Tar().pax('g', "comment=x")));
  }

  private static Tar tar() {
    return new Tar().folder("top/").folder("top/a").folder("top/a/b");
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("hostile")
  void refusesWhatIsHostile(String name, Tar tar) throws IOException {
    Path sentinel = Files.writeString(temporary.resolve("x"), "untouched");
    byte[] archive = tar.end();
    assertThatThrownBy(() -> unpack(Tarballs.xz(archive)))
        .as(name)
        .isInstanceOf(CorruptTarballException.class)
        .message()
        .matches("[a-z].{5,500}[^.]")
        .doesNotContain("\0");
    assertThat(sentinel).hasContent("untouched");
    assertThat(contents(temporary)).hasSizeLessThan(12);
    assertStaysInside(folder);
  }

  private static void assertStaysInside(Path folder) throws IOException {
    Path real = folder.toRealPath();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : (Iterable<Path>) files.filter(Files::isSymbolicLink)::iterator) {
        Path target = file.resolveSibling(Files.readSymbolicLink(file)).normalize();
        assertThat(target.startsWith(folder)).as("%s -> %s", file, target).isTrue();
        if (Files.exists(file)) {
          assertThat(file.toRealPath()).startsWith(real);
        }
      }
    }
  }

  @Test
  void refusesWhatFollowsTheEnd() {
    byte[] archive = tar().end();
    byte[] more = Arrays.copyOf(archive, archive.length + 512);
    more[archive.length + 7] = 1;
    assertThatThrownBy(() -> unpack(Tarballs.xz(more))).hasMessageContaining("after its end");
    byte[] tarball = Tarballs.xz(archive);
    byte[] garbage = Arrays.copyOf(tarball, tarball.length + 8);
    garbage[tarball.length] = 'x';
    assertThatThrownBy(() -> unpack(garbage)).isInstanceOf(CorruptTarballException.class);
  }

  @Test
  void refusesWhatIsNoTarball() {
    for (String text : new String[] {"", "x", "<html>Not Found</html>", "\u00fd7zXZ", "BZh9"}) {
      byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
      assertThatThrownBy(() -> unpack(bytes)).isInstanceOf(CorruptTarballException.class);
    }
    assertThatThrownBy(() -> unpack(Tarballs.gzip(new byte[10])))
        .isInstanceOf(CorruptTarballException.class);
    assertThatThrownBy(
            () -> unpack(Tarballs.gzip("x".repeat(2000).getBytes(StandardCharsets.UTF_8))))
        .isInstanceOf(CorruptTarballException.class);
  }

  @Test
  void refusesBombs() {
    Tarball.Limits small = new Tarball.Limits(1 << 20, 256 << 20, 10, 100);
    byte[] zeros = new byte[80 << 20];
    byte[] ratio = Tarballs.xz(tar().entry('0', "top/zeros", "", zeros).end());
    assertThatThrownBy(() -> Tarball.unpack(Tarballs.stream(ratio), folder, small))
        .isInstanceOf(CorruptTarballException.class)
        .hasMessageContaining("100 times");

    Tarball.Limits total = new Tarball.Limits(1 << 20, 1 << 20, 10, 1_000_000);
    assertThatThrownBy(() -> Tarball.unpack(Tarballs.stream(ratio), emptyFolder("b"), total))
        .isInstanceOf(CorruptTarballException.class)
        .hasMessageContaining("1048576 bytes when unpacked");

    Tar many = tar();
    for (int i = 0; i < 20; i++) {
      many.folder("top/a" + i);
    }
    byte[] entries = Tarballs.xz(many.end());
    assertThatThrownBy(() -> Tarball.unpack(Tarballs.stream(entries), emptyFolder("c"), small))
        .isInstanceOf(CorruptTarballException.class)
        .hasMessageContaining("more than 10 files");

    byte[] noise = new byte[2 << 20];
    new java.util.Random(1).nextBytes(noise);
    byte[] large = Tarballs.xz(tar().entry('0', "top/noise", "", noise).end());
    assertThatThrownBy(() -> Tarball.unpack(Tarballs.stream(large), emptyFolder("d"), small))
        .isInstanceOf(CorruptTarballException.class)
        .hasMessageContaining("larger than 1048576 bytes");
  }

  private Path emptyFolder(String name) throws IOException {
    return Files.createDirectory(temporary.resolve(name));
  }

  @Test
  void refusesADictionaryThatTakesTooMuchMemory() {
    byte[] tarball = Tarballs.xz(tar().end());
    // The block header (xz file format, section 3.1) has the dictionary size in its fifth byte.
    int length = (tarball[12] + 1) * 4;
    tarball[16] = 34; // 512 MiB
    CRC32 sum = new CRC32();
    sum.update(tarball, 12, length - 4);
    for (int i = 0; i < 4; i++) {
      tarball[12 + length - 4 + i] = (byte) (sum.getValue() >>> (8 * i));
    }
    assertThatThrownBy(() -> unpack(tarball))
        .isInstanceOf(CorruptTarballException.class)
        .hasMessageContaining("memory");
  }

  @Test
  void refusesATarballThatIsCutAnywhere() throws IOException {
    for (byte[] whole :
        new byte[][] {
          Tarballs.release("0".repeat(40), "{ }"), Tarballs.gzip(tar().file("top/f", "x").end())
        }) {
      for (int length = 0; length < whole.length; length++) {
        byte[] cut = Arrays.copyOf(whole, length);
        Path place = emptyFolder("cut" + whole.length + "-" + length);
        assertThatThrownBy(() -> Tarball.unpack(Tarballs.stream(cut), place, LIMITS))
            .as("the first %s of %s bytes", length, whole.length)
            .isInstanceOf(CorruptTarballException.class);
      }
    }
  }

  private static final byte[] ARCHIVE =
      tar()
          .file("top/f", "some text")
          .link("top/a/l", "../f")
          .pax('x', "path=top/long")
          .file("p", "y")
          .end();

  @Test
  void writesNothingOutsideWhateverTheArchive() {
    Property.holds(
        400,
        samples -> {
          byte[] archive = ARCHIVE.clone();
          int at = samples.between(0, archive.length - 1);
          archive[at] = (byte) samples.between(Byte.MIN_VALUE, Byte.MAX_VALUE);
          if (samples.flag()) {
            repair(archive, at / 512 * 512);
          }
          assertWritesNothingOutside(archive);
        });
  }

  private void assertWritesNothingOutside(byte[] archive) throws IOException {
    Path parent = temporary.resolve("parent");
    Path place = Files.createDirectories(parent.resolve("source"));
    try {
      Tarball.unpack(Tarballs.stream(Tarballs.gzip(archive)), place, LIMITS);
    } catch (CorruptTarballException e) {
      assertThat(e).hasMessageMatching("(?s)[a-z].*");
    }
    assertStaysInside(place);
    try (Stream<Path> beside = Files.list(parent)) {
      assertThat(beside).containsExactly(place);
    }
    Scratch.deleteTree(parent);
    assertThat(Files.exists(parent, LinkOption.NOFOLLOW_LINKS)).isFalse();
  }

  /** Makes the checksum of a header right again. */
  private static void repair(byte[] archive, int block) {
    Arrays.fill(archive, block + 148, block + 156, (byte) ' ');
    int sum = 0;
    for (int i = block; i < block + 512; i++) {
      sum += archive[i] & 0xff;
    }
    byte[] digits = "%06o\0".formatted(sum).getBytes(StandardCharsets.UTF_8);
    System.arraycopy(digits, 0, archive, block + 148, digits.length);
  }
}

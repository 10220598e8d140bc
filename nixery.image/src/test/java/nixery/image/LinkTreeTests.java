package nixery.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The trees are packed, unpacked by GNU tar, and looked at. */
class LinkTreeTests {

  private static final StorePath ONE = Graphs.path(1);
  private static final StorePath TWO = Graphs.path(2);

  @TempDir private Path temporary;
  private Path root;
  private Path one;
  private Path two;

  @BeforeEach
  void makeStore() throws IOException {
    root = temporary.resolve("root");
    one = Files.createDirectories(root.resolve("nix/store").resolve(ONE.baseName()));
    two = Files.createDirectories(root.resolve("nix/store").resolve(TWO.baseName()));
  }

  @Test
  void mergesDirectoriesAndTheFirstWins() throws Exception {
    files(one, "bin/a", "share/x/1", "clash", "other/file");
    files(two, "bin/a", "bin/b", "share/x/2", "share/y/3", "clash/file", "other");
    Path tree = unpacked(ONE, TWO);

    assertLink(tree, "bin/a", ONE + "/bin/a");
    assertLink(tree, "bin/b", TWO + "/bin/b");
    assertLink(tree, "share/x/1", ONE + "/share/x/1");
    assertLink(tree, "share/x/2", TWO + "/share/x/2");
    assertLink(tree, "share/y/3", TWO + "/share/y/3");
    assertLink(tree, "clash", ONE + "/clash");
    assertLink(tree, "other/file", ONE + "/other/file");
    assertLink(unpacked(TWO, ONE), "bin/a", TWO + "/bin/a");
  }

  @Test
  void copiesSymbolicLinks() throws Exception {
    files(one, "bin/vim", "lib/x.so.1");
    link(one, "bin/vi", "vim");
    link(one, "bin/far", TWO + "/bin/far");
    link(one, "bin/gone", "nowhere");
    link(one, "sbin", "bin");
    link(one, "lib64", "./lib");
    link(one, "lib/up", "../bin/vim");
    link(one, "outside", "/etc/shadow");
    Path tree = unpacked(ONE, TWO);

    assertLink(tree, "bin/vi", "vim");
    assertLink(tree, "bin/far", TWO + "/bin/far");
    assertLink(tree, "bin/gone", "nowhere");
    assertLink(tree, "sbin", "bin");
    assertLink(tree, "lib64", "./lib");
    assertLink(tree, "lib/up", "../bin/vim");
    assertLink(tree, "outside", "/etc/shadow");
  }

  @Test
  void relativeLinksThatLeadOutOfAPackageStillLeadThere() throws Exception {
    files(two, "share/file");
    link(one, "share/escape", "../../" + TWO.baseName() + "/share/file");
    link(one, "escape", "../" + TWO.baseName());

    assertLink(unpacked(ONE), "share/escape", ONE + "/share/escape");
    assertLink(unpacked(ONE), "escape", ONE + "/escape");
  }

  @Test
  void equalLinksToDirectoriesStay() throws Exception {
    files(one, "bin/a");
    link(one, "sbin", "bin");
    files(two, "bin/b");
    link(two, "sbin", "bin");
    Path tree = unpacked(ONE, TWO);

    assertLink(tree, "sbin", "bin");
    assertLink(tree, "sbin/a", ONE + "/bin/a");
    assertLink(tree, "sbin/b", TWO + "/bin/b");
  }

  @Test
  void linkAndDirectoryOfOneNameBecomeADirectoryWithBoth() throws Exception {
    files(one, "bin/a", "libexec/helper");
    link(one, "sbin", "bin");
    link(one, "bin/alias", "../libexec/helper");
    files(two, "sbin/b");
    link(two, "sbin/c", "b");

    for (Path tree : List.of(unpacked(ONE, TWO), unpacked(TWO, ONE))) {
      assertThat(Files.isDirectory(tree.resolve("sbin"), LinkOption.NOFOLLOW_LINKS)).isTrue();
      assertLink(tree, "sbin/a", ONE + "/bin/a");
      assertLink(tree, "sbin/b", TWO + "/sbin/b");
      assertLink(tree, "sbin/c", "b");
      assertLink(tree, "sbin/alias", ONE + "/bin/alias"); // whose own text is right only in bin
      assertThat(tree.resolve("bin/b")).doesNotExist();
    }
  }

  @Test
  void linksToTwoDirectoriesBecomeADirectoryWithBoth() throws Exception {
    files(one, "lib/x/1");
    link(one, "lib64", "lib");
    StorePath three = Graphs.path(3);
    files(root.resolve("nix/store").resolve(three.baseName()), "lib/x/2", "lib/3");
    link(two, "lib64", three + "/lib");
    Path tree = unpacked(ONE, TWO);

    assertLink(tree, "lib64/x/1", ONE + "/lib/x/1");
    assertLink(tree, "lib64/x/2", three + "/lib/x/2");
    assertLink(tree, "lib64/3", three + "/lib/3");
  }

  @Test
  void linksThatLeadNowhereOrInACircleNeverBecomeDirectories() throws Exception {
    link(one, "a", "b");
    link(one, "b", "a");
    link(one, "etc", "/etc");
    link(one, "up", "../..");
    files(two, "a/file", "up/file");
    link(two, "loop", ".");
    link(one, "loop", "loop2/..");
    files(one, "loop2/file");
    Path tree = unpacked(ONE, TWO);

    assertLink(tree, "a", "b");
    assertThat(Files.isSymbolicLink(tree.resolve("up"))).isTrue();
    assertThat(tree.resolve("loop")).isDirectory();
    assertThat(tree.resolve("etc/passwd")).isRegularFile();
    assertThat(Files.isSymbolicLink(tree.resolve("etc"))).isFalse();
  }

  @Test
  void leavesOutWhatIsOfUseToBuildsOnly() throws Exception {
    files(one, "nix-support/propagated-build-inputs", "share/nix-support/kept");
    Path tree = unpacked(ONE);

    assertThat(tree.resolve("nix-support")).doesNotExist();
    assertLink(tree, "share/nix-support/kept", ONE + "/share/nix-support/kept");
  }

  @Test
  void packagesNeedNotBeDirectories() throws Exception {
    Files.delete(one);
    Files.writeString(one, "#!/bin/sh");
    Files.delete(two);
    StorePath three = Graphs.path(3);
    files(root.resolve("nix/store").resolve(three.baseName()), "bin/c");
    Files.createSymbolicLink(two, Path.of(three.toString()));

    assertLink(unpacked(ONE, TWO), "bin/c", three + "/bin/c");
    assertThatIOException()
        .isThrownBy(() -> LinkTree.of(List.of(Graphs.path(4)), root))
        .withMessageContaining(Graphs.path(4).baseName());
  }

  @Test
  void addsWhatProgramsExpect() throws Exception {
    Path tree = unpacked();

    assertThat(modes(tree, "tmp", "var/tmp", "root", "bin", "etc", "etc/passwd"))
        .containsExactly("1777", "1777", "700", "755", "755", "644");
    assertThat(tree.resolve("etc/passwd"))
        .hasContent(
            "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n");
    assertThat(tree.resolve("etc/group")).hasContent("root:x:0:\nnobody:x:65534:\n");
    assertThat(tree.resolve("usr")).doesNotExist();

    files(one, "bin/env", "etc/passwd", "etc/ssl/certs/ca-bundle.crt", "tmp/file");
    tree = unpacked(ONE);
    assertLink(tree, "etc/passwd", ONE + "/etc/passwd");
    assertLink(tree, "usr/bin/env", "/bin/env");
    assertLink(tree, "etc/ssl/certs/ca-certificates.crt", "ca-bundle.crt");
    assertThat(modes(tree, "tmp")).containsExactly("1777");
    assertThat(tree.resolve("etc/group")).isRegularFile();
  }

  @Test
  void bytesDependOnTheTreeAlone() throws Exception {
    files(one, "bin/a", "bin/b", "share/c");
    files(two, "bin/d");
    try (LayerPacker packer = new LayerPacker(root, Codec.java(1), 2)) {
      LinkTree tree = LinkTree.of(List.of(ONE, TWO), root);
      PackedLayer packed = packer.pack(tree, temporary.resolve("1"));
      assertThat(packer.pack(LinkTree.of(List.of(TWO, ONE), root), temporary.resolve("2")).info())
          .isEqualTo(packed.info());
      Tool.run(temporary, "gzip", "-t", packed.file().toString());
    }
  }

  private Path unpacked(StorePath... packages) throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    TarWriter tar = new TarWriter(bytes);
    LinkTree.of(List.of(packages), root).write(tar);
    tar.finish();
    Path directory = Files.createTempDirectory(temporary, "tree");
    Path archive = Files.write(temporary.resolve("tar"), bytes.toByteArray());
    Tool.run(directory, "tar", "-xpf", archive.toString());
    return directory;
  }

  private static void files(Path directory, String... names) throws IOException {
    for (String name : names) {
      Path file = directory.resolve(name);
      Files.createDirectories(file.getParent());
      Files.writeString(file, name);
    }
  }

  private static void link(Path directory, String name, String target) throws IOException {
    Path link = directory.resolve(name);
    Files.createDirectories(link.getParent());
    Files.createSymbolicLink(link, Path.of(target));
  }

  private static void assertLink(Path tree, String name, String target) throws IOException {
    assertThat(Files.readSymbolicLink(tree.resolve(name)).toString()).as(name).isEqualTo(target);
  }

  private static List<String> modes(Path tree, String... names) throws Exception {
    List<String> modes = new ArrayList<>();
    for (String name : names) {
      modes.add(Tool.run(tree, "stat", "-c", "%a", name).strip());
    }
    return modes;
  }
}

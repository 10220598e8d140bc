package nixery.source.git;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import nixery.api.source.InvalidPackageSetException;
import nixery.api.source.PackageSet;
import nixery.api.source.PackageSource;
import nixery.api.source.SourceUnavailableException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is in the folder that Nix imports. */
class CheckoutTests extends HttpRepository {

  private PackageSource open() {
    return Sources.open(http.url("set/.git"), folder.resolve("cache"));
  }

  /** Returns what stands for each file, link and folder, by path. */
  private static Map<String, String> files(Path root) throws IOException {
    Map<String, String> files = new TreeMap<>();
    try (Stream<Path> found = Files.walk(root)) {
      for (Path path : (Iterable<Path>) found::iterator) {
        String name = root.relativize(path).toString();
        if (name.matches("(.*/)?\\.git(/.*)?")) {
          continue;
        }
        if (Files.isSymbolicLink(path)) {
          files.put(name, "link to " + Files.readSymbolicLink(path));
        } else if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
          files.put(name, "folder");
        } else {
          String mode = Files.isExecutable(path) ? "executable " : "file ";
          files.put(name, mode + HexFormat.of().formatHex(Files.readAllBytes(path)));
        }
      }
    }
    return files;
  }

  private void assertSameAsClone() throws IOException {
    Path clone = folder.resolve("clone");
    Commands.run(
        folder,
        "git",
        "-c",
        "protocol.file.allow=always",
        "clone",
        "-q",
        "--recurse-submodules",
        http.url("set/.git"),
        clone.toString());
    try (PackageSource source = open();
        PackageSet set = source.checkout(source.resolve("latest"))) {
      assertThat(files(set.path())).isEqualTo(files(clone)).isNotEmpty();
    }
  }

  @Test
  void isWhatGitCloneMakes() throws IOException {
    tree.write("bin/run", "#!/bin/sh\n").write("lib/a b/ü\t'x.nix", "1\n").write("empty", "");
    tree.write("big", "0123456789abcdef".repeat(200_000));
    assertThat(tree.folder().resolve("bin/run").toFile().setExecutable(true)).isTrue();
    link("lib/inside", "../bin/run");
    link("outside", "/etc/passwd");
    link("up", "../../..");
    link("dangling", "nowhere/ü");
    link("lib/folder", "a b");
    tree.commit();

    assertSameAsClone();
  }

  private void link(String file, String target) throws IOException {
    Files.createSymbolicLink(tree.folder().resolve(file), Path.of(target));
  }

  @Test
  void hasTheLineEndsThatTheAttributesAskFor() throws IOException {
    tree.write(
        ".gitattributes",
        """
        *.bat text eol=crlf
        *.unix text eol=lf
        *.auto text=auto eol=crlf
        *.text text
        *.bin binary
        *.lfs filter=lfs diff=lfs merge=lfs -text
        """);
    for (String end : new String[] {"bat", "unix", "auto", "text", "bin", "none", "lfs"}) {
      tree.write("lf." + end, "one\ntwo\n");
      tree.write("crlf." + end, "one\r\ntwo\r\n");
      tree.write("mixed." + end, "one\r\ntwo\n");
      tree.write("nul." + end, "one\n\0two\n");
    }
    tree.write("sub/.gitattributes", "*.bat -text\n").write("sub/lf.bat", "one\ntwo\n");
    // Not what "git add" would make of them.
    for (String end : new String[] {"bat", "unix", "auto", "text"}) {
      String id = tree.object("blob", "one\r\ntwo\n".getBytes(StandardCharsets.US_ASCII));
      tree.git("update-index", "--add", "--cacheinfo", "100644," + id + ",raw." + end);
    }
    tree.git("add", "-A");
    tree.git("reset", "-q");
    tree.commit();

    assertSameAsClone();
  }

  @Test
  void doesNotDependOnTheUsersConfiguration() throws IOException {
    home.write(".gitattributes", "* text eol=crlf\n");
    home.write(
        ".gitconfig",
        """
        [core]
          autocrlf = true
          eol = crlf
          attributesFile = %s/.gitattributes
          symlinks = false
          fileMode = false
        """
            .formatted(home.folder()));
    assertThat(tree.folder().resolve("default.nix").toFile().setExecutable(true)).isTrue();
    link("link", "default.nix");
    tree.commit();

    assertSameAsClone();
  }

  @Test
  void hasTheFilesOfSubmodules() throws IOException {
    WorkTree inner = WorkTree.init(folder.resolve("repos/inner"));
    inner.commit("inner.nix", "\"inner\"\n");
    WorkTree outer = WorkTree.init(folder.resolve("repos/deep/outer"));
    outer.git(
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        "../../inner/.git",
        "in");
    outer.commit("outer.nix", "\"outer\"\n");
    addSubmodule("../../deep/outer/.git", "lib/relative");
    addSubmodule(http.url("inner/.git"), "lib/absolute");
    // What was recorded, not what is there by now.
    inner.commit("inner.nix", "\"later\"\n");
    tree.git("config", "-f", ".gitmodules", "submodule.lib/relative.branch", "other");
    tree.commit();

    // Relative to the address that is cloned from, so git must look there.
    outer.git("config", "-f", ".gitmodules", "submodule.in.url", "../../../inner/.git");
    String moved = outer.commit();
    tree.git("update-index", "--cacheinfo", "160000," + moved + ",lib/relative");
    tree.git("commit", "-q", "-m", "Move");

    assertSameAsClone();
  }

  private void addSubmodule(String url, String path) throws IOException {
    // By hand, since a relative one depends on where it is cloned from.
    String name = url.replaceAll("^.*/(\\w+)/\\.git$", "$1");
    Path source = folder.resolve("repos").resolve(name.equals("outer") ? "deep/outer" : name);
    String commit = new WorkTree(source).head();
    tree.git("config", "-f", ".gitmodules", "submodule." + path + ".path", path);
    tree.git("config", "-f", ".gitmodules", "submodule." + path + ".url", url);
    tree.git("add", ".gitmodules");
    tree.git("update-index", "--add", "--cacheinfo", "160000," + commit + "," + path);
    Files.createDirectories(tree.folder().resolve(path));
    tree.git("commit", "-q", "-m", "Add " + path);
  }

  @Test
  void leavesSubmodulesOutThatHaveNoAddress() throws IOException {
    String commit = tree.head();
    tree.git("update-index", "--add", "--cacheinfo", "160000," + commit + ",stray");
    tree.git("commit", "-q", "-m", "Add");

    try (PackageSource source = open();
        PackageSet set = source.checkout(source.resolve("latest"))) {
      assertThat(set.path().resolve("stray")).isEmptyDirectory();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"/etc", "file:///etc", "--upload-pack=true", "ext::sh", "../../../.."})
  void refusesSubmodulesOfTheServersOwnFiles(String url) throws IOException {
    tree.git("config", "-f", ".gitmodules", "submodule.x.path", "x");
    tree.git("config", "-f", ".gitmodules", "submodule.x.url", url);
    tree.git("add", ".gitmodules");
    tree.git("update-index", "--add", "--cacheinfo", "160000," + tree.head() + ",x");
    tree.git("commit", "-q", "-m", "Add");

    assertInvalid("latest", "its submodule 'x'");
  }

  @Test
  void stopsAtSubmodulesThatContainThemselves() throws IOException {
    // A commit cannot contain itself; a long chain of them does as well.
    for (int i = 0; i < 12; i++) {
      tree.git("config", "-f", ".gitmodules", "submodule.x.path", "x");
      tree.git("config", "-f", ".gitmodules", "submodule.x.url", "../../set/.git");
      tree.git("add", ".gitmodules");
      tree.git("update-index", "--add", "--cacheinfo", "160000," + tree.head() + ",x");
      tree.git("commit", "-q", "-m", "Add");
    }

    assertInvalid("latest", "submodule");
  }

  @Test
  void saysWhichCommitOfASubmoduleIsMissing() throws IOException {
    WorkTree.withPackageSet(folder.resolve("repos/inner"));
    addSubmodule(http.url("inner/.git"), "inner");
    tree.git("update-index", "--cacheinfo", "160000," + "1".repeat(40) + ",inner");
    tree.git("commit", "-q", "-m", "Break");

    assertInvalid("latest", "its submodule 'inner' is at commit " + "1".repeat(40));
  }

  private void assertInvalid(String tag, String part) throws IOException {
    try (PackageSource source = open()) {
      assertThatThrownBy(() -> source.checkout(source.resolve(tag)))
          .isInstanceOf(InvalidPackageSetException.class)
          .hasMessageContaining(part)
          .hasMessageContaining(source.identity());
      assertNothingIsKept();
    }
  }

  private void assertNothingIsKept() throws IOException {
    assertThat(Sources.kept(folder.resolve("cache"))).isEmpty();
    assertThat(folder.resolve("evil")).doesNotExist();
  }

  @Test
  void saysThatThereIsNoDefaultNix() throws IOException {
    tree.git("rm", "-q", "default.nix");
    tree.commit("flake.nix", "{ }\n");

    assertInvalid("latest", "no default.nix");
  }

  @Test
  void saysThatATagIsNoCommit() throws IOException {
    tree.git("tag", "tree", tree.git("rev-parse", "HEAD^{tree}"));

    assertInvalid("tree", "not a commit");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"..", ".", ".git", ".GIT", "../evil", "a/b", "/evil", "..\\evil/x", "\u00ff"})
  void refusesNamesThatAreNotNames(String name) throws IOException {
    String blob = tree.object("blob", "{ }: { }".getBytes(StandardCharsets.US_ASCII));
    byte[] raw = name.getBytes(StandardCharsets.ISO_8859_1);
    tree.commitTree("evil", concat(defaultNix(blob), WorkTree.entry("100644", raw, blob)));

    assertEvilIsRefused();
  }

  private static byte[] defaultNix(String blob) {
    return WorkTree.entry("100644", "default.nix".getBytes(StandardCharsets.US_ASCII), blob);
  }

  private static byte[] concat(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  @Test
  void doesNotWriteThroughLinksOfTheSameName() throws IOException {
    String blob = tree.object("blob", "{ }: { }".getBytes(StandardCharsets.US_ASCII));
    String inner =
        tree.object(
            "tree", WorkTree.entry("100644", "evil".getBytes(StandardCharsets.US_ASCII), blob));
    String target = tree.object("blob", folder.toString().getBytes(StandardCharsets.US_ASCII));
    byte[] name = "door".getBytes(StandardCharsets.US_ASCII);
    tree.commitTree(
        "evil",
        concat(
            defaultNix(blob),
            WorkTree.entry("120000", name, target),
            WorkTree.entry("40000", name, inner)));

    assertEvilIsRefused();
  }

  private void assertEvilIsRefused() throws IOException {
    try (PackageSource source = open()) {
      assertThatThrownBy(() -> source.checkout(source.resolve("evil")))
          .isInstanceOfAny(InvalidPackageSetException.class, SourceUnavailableException.class);
    }
    assertNothingIsKept();
  }

  @Test
  void keepsExportsUnderASettingAndNeverDropsOneInUse() throws IOException {
    tree.git("tag", "v1");
    for (int i = 2; i <= 5; i++) {
      tree.commit("default.nix", "{ }: { release = %d; }".formatted(i));
      tree.git("tag", "v" + i);
    }
    Map<String, String> two = Map.of("NIXERY_GIT_KEEP_EXPORTS", "2");
    try (PackageSource source = Sources.open(http.url("set/.git"), folder.resolve("cache"), two);
        PackageSource other = Sources.open(http.url("set/.git"), folder.resolve("cache"), two);
        PackageSet used = other.checkout(other.resolve("v1"))) {
      for (int i = 2; i <= 5; i++) {
        source.checkout(source.resolve("v" + i)).close();
      }
      assertThat(used.path().resolve("default.nix")).exists();
      assertThat(Sources.kept(folder.resolve("cache"))).hasSizeLessThanOrEqualTo(3);
    }
  }

  @Test
  void leavesTheExportsOfOtherRepositoriesToTheirAge() throws IOException {
    Path cache = folder.resolve("cache");
    String first = tree.head();
    String second = tree.commit("default.nix", "{ }: { release = 2; }");
    try (PackageSource source = open()) {
      source.checkout(source.resolve(first)).close();
      source.checkout(source.resolve(second)).close();
    }
    Path revisions;
    try (Stream<Path> all = Files.list(cache.resolve("commits"))) {
      revisions = all.findFirst().orElseThrow().resolve("revisions");
    }
    Files.writeString(cache.resolve("commits/stray"), "");

    Sources.open(http.url("other/.git"), cache, Map.of("NIXERY_GIT_KEEP_EXPORTS", "1")).close();

    assertThat(revisions).isDirectoryContaining("glob:**/" + first);
    assertThat(revisions).isDirectoryContaining("glob:**/" + second);
  }
}

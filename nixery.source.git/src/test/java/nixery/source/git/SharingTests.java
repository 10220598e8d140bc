package nixery.source.git;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import nixery.api.source.PackageSet;
import nixery.api.source.PackageSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Several processes on one cache folder, some of which die, and large trees. */
@Timeout(300)
class SharingTests {

  private static final int FILES = 50_000;

  @TempDir Path folder;

  private UserHome home;
  private HttpGitServer http;
  private WorkTree tree;

  @BeforeEach
  void makeRepository() throws IOException {
    home = UserHome.in(folder.resolve("home"));
    tree = WorkTree.init(folder.resolve("repos/set"));
    http = HttpGitServer.start(folder.resolve("repos"));
  }

  @AfterEach
  void stop() {
    http.close();
    home.close();
  }

  /** Commits many small files in folders of fifty, without a work tree. */
  private void commitFiles(int count) {
    StringBuilder stream = new StringBuilder();
    stream.append("commit refs/heads/main\ncommitter Ada <ada@example.org> 0 +0000\ndata 1\nx\n");
    stream.append("M 100644 inline default.nix\ndata 7\n{ }: {}\n");
    for (int i = 0; i < count; i++) {
      String content = "# file %06d\n%s".formatted(i, "{ }: null\n".repeat(i % 100 + 1));
      stream.append("M 100644 inline pkgs/%d/%d/f%d.nix\n".formatted(i / 2500, i / 50, i));
      stream.append("data ").append(content.length()).append('\n').append(content).append('\n');
    }
    tree.git(stream.toString().getBytes(StandardCharsets.UTF_8), "fast-import", "--quiet");
  }

  private static long count(Path set) throws IOException {
    try (Stream<Path> files = Files.walk(set)) {
      return files.filter(Files::isRegularFile).count();
    }
  }

  @Test
  void largeTreesTakeSecondsAndLittleMemory() throws Exception {
    commitFiles(FILES);
    Process child = child("64m", http.url("set/.git"), folder.resolve("cache"));
    String said = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(child.waitFor()).as(said).isZero();
    System.out.println(FILES + " files over http within a heap of 64 MiB: " + said.strip());

    try (PackageSource source = Sources.open(http.url("set/.git"), folder.resolve("cache"));
        PackageSet set = source.checkout(source.resolve("latest"))) {
      assertThat(count(set.path())).isEqualTo(FILES + 1);
      assertThat(http.fetches).as("this process found what the other made").hasValue(1);
    }
  }

  @Test
  void nothingOfAKilledProcessIsUsedAndAllOfItIsSwept() throws Exception {
    commitFiles(10_000);
    Path cache = folder.resolve("cache");
    Process child = child("256m", http.url("set/.git"), cache);
    while (child.isAlive() && !isHalfWritten(cache)) {
      Thread.sleep(5);
    }
    assertThat(child.destroyForcibly().waitFor()).as("it was killed in the middle").isNotZero();

    try (PackageSource source = Sources.open(http.url("set/.git"), cache);
        PackageSet set = source.checkout(source.resolve("latest"))) {
      assertThat(count(set.path())).isEqualTo(10_001);
    }
    try (Stream<Path> left = Files.walk(cache)) {
      assertThat(left.filter(path -> path.getFileName().toString().equals("scratch")))
          .isNotEmpty()
          .allSatisfy(scratch -> assertThat(scratch).isEmptyDirectory());
    }
  }

  /** Looks only where exports are made, since looking costs time, too. */
  private static boolean isHalfWritten(Path cache) throws IOException {
    try (Stream<Path> folders = Files.find(cache, 7, (path, is) -> path.endsWith("source/pkgs"))) {
      return folders.findAny().isPresent();
    } catch (NoSuchFileException | UncheckedIOException e) {
      return false; // It is not there yet, or changing.
    }
  }

  private Process child(String heap, String address, Path cache) throws IOException {
    return Commands.builder(
            folder,
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx" + heap,
                "-cp",
                System.getProperty("java.class.path"),
                Child.class.getName(),
                address,
                cache.toString()))
        .redirectErrorStream(true)
        .start();
  }

  /** Another server process: checks out the latest commit and says what that took. */
  static final class Child {

    private Child() {}

    /** Takes the address of the repository and the cache folder. */
    public static void main(String[] arguments) {
      long start = System.nanoTime();
      try (PackageSource source = Sources.open(arguments[0], Path.of(arguments[1]))) {
        source.checkout(source.resolve("latest")).close();
        System.out.printf(
            "%.1f s, %d MiB of heap in use at the end%n",
            (System.nanoTime() - start) / 1e9,
            (Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory()) >> 20);
      }
    }
  }
}

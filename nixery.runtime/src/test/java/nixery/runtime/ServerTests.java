package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpResponse;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole servers as processes, with real Nix and the demo packages. */
final class ServerTests {

  private static final Map<String, String> FIXTURES =
      Map.of("NIXERY_PKGS_PATH", TestServer.DEMO.resolve("fixtures.nix").toString());

  @TempDir Path folder;

  /** A Nix store where nothing is built yet. */
  private final Path emptyNix = Path.of(TestServer.NIX + "-empty");

  @AfterEach
  void deleteEmptyNix() {
    Shell.run("mkdir", "-p", emptyNix.toString());
    Shell.run("chmod", "-R", "u+w", emptyNix.toString());
    Shell.run("rm", "-rf", emptyNix.toString());
  }

  @Test
  void theSameImageHasTheSameDigestOnEveryServer() throws IOException {
    String one;
    try (TestServer server = TestServer.start(folder.resolve("one"), Map.of())) {
      one = server.pull("shell/git");
    }
    // Another host: another Nix store, where all is built anew, and one processor.
    Map<String, String> singleThreaded =
        Map.of("JDK_JAVA_OPTIONS", "-XX:ActiveProcessorCount=1", "NIX_REMOTE", emptyNix.toString());
    try (TestServer server = TestServer.start(folder.resolve("other"), singleThreaded)) {
      assertThat(server.pull("shell/shell/git/git")).isEqualTo(one);
      assertThat(server.pull("git")).isNotEqualTo(one);
    }
  }

  @Test
  void dockerAndOciFormsAreBothServedByTagAndByDigest() throws IOException {
    try (TestServer server = TestServer.start(folder, Map.of())) {
      for (String accept : List.of(TestServer.DOCKER_MANIFEST, TestServer.OCI_MANIFEST)) {
        String digest = Pull.image(server, "hello", "latest", accept);
        assertThat(Pull.image(server, "hello", digest, accept)).isEqualTo(digest);
      }
    }
  }

  @Test
  void twentyColdPullsCostOneEvaluationOneRealisationAndEachLayerIsPackedOnce() throws IOException {
    CountedNix nix = CountedNix.in(folder.resolve("bin"));
    Map<String, String> variables =
        Map.of("NIXERY_NIX_BIN", nix.folder().toString(), "NIXERY_DEBUG", "true");
    try (TestServer server = TestServer.start(folder, variables)) {
      nix.reset();
      List<CompletableFuture<HttpResponse<byte[]>>> answers =
          IntStream.range(0, 20)
              .mapToObj(i -> server.getAsync("/v2/shell/jq/manifests/latest"))
              .toList();
      assertThat(answers.stream().map(CompletableFuture::join).map(HttpResponse::statusCode))
          .hasSize(20)
          .containsOnly(200);
      assertThat(nix.calls("nix-instantiate")).hasSize(1);
      assertThat(nix.calls("nix-store")).filteredOn(call -> call.contains("--realise")).hasSize(1);
      assertThat(packed(server)).isNotEmpty().doesNotHaveDuplicates();

      // A further image packs nothing but what is new, and a known one nothing at all.
      server.pull("shell/jq/hello");
      assertThat(packed(server)).doesNotHaveDuplicates();
      int before = packed(server).size();
      nix.reset();
      server.pull("shell/jq");
      assertThat(packed(server)).hasSize(before);
      assertThat(nix.calls("nix-store")).isEmpty();
    }
  }

  @Test
  void whatNixHasBuiltLatelyIsKnownAndKeptFromTheGarbageCollector() throws IOException {
    CountedNix nix = CountedNix.in(folder.resolve("bin"));
    Map<String, String> variables = Map.of("NIXERY_NIX_BIN", nix.folder().toString());
    try (TestServer server = TestServer.start(folder, variables)) {
      server.pull("jq");
      server.pull("hello");
      nix.reset();
      server.pull("jq/hello");
      assertThat(nix.calls("nix-instantiate")).hasSize(1);
      assertThat(nix.calls("nix-store")).isEmpty();

      String[] collect = {
        "env", "NIX_REMOTE=" + TestServer.NIX, "nix-store", "--gc", "--print-dead"
      };
      String roots = folder.resolve("cache/roots").toString();
      List<String> kept =
          Shell.run("find", roots, "-type", "l", "-printf", "%l\n").lines().toList();
      assertThat(kept).anyMatch(path -> path.contains("-jq-"));
      assertThat(kept).anyMatch(path -> path.contains("-hello-"));
      assertThat(Shell.run(collect).lines().toList()).doesNotContainAnyElementsOf(kept);

      // What cannot be kept is not taken for granted.
      Shell.run("sh", "-c", "rm -rf '%s'/*/*".formatted(roots));
      server.pull("shell/jq/hello");
      assertThat(nix.calls("nix-store")).anyMatch(call -> call.contains("--realise"));
    }
  }

  private static List<String> packed(TestServer server) throws IOException {
    return server.log().stream()
        .filter(line -> line.contains(" packed sha256:"))
        .map(line -> line.substring(line.indexOf("layer ")))
        .toList();
  }

  @Test
  void buildsOfDifferentImagesAreBounded() throws IOException, InterruptedException {
    CountedNix nix = CountedNix.in(folder.resolve("bin"));
    Map<String, String> variables =
        Map.of("NIXERY_NIX_BIN", nix.folder().toString(), "NIXERY_MAX_BUILDS", "1");
    try (TestServer server = TestServer.start(folder, variables)) {
      nix.reset();
      List<CompletableFuture<HttpResponse<byte[]>>> answers =
          Stream.of("hello", "jq", "nano", "sqlite")
              .map(name -> server.getAsync("/v2/%s/manifests/latest".formatted(name)))
              .toList();
      assertThat(answers.stream().map(CompletableFuture::join).map(HttpResponse::statusCode))
          .containsOnly(200);
      assertThat(nix.mostAtOnce()).isEqualTo(1);
    }
  }

  @Test
  void killedWhilePackingNothingCorruptIsReadAndTheNextPullSucceeds()
      throws IOException, InterruptedException {
    // What Nix has to build is built before, so that it is packing that is interrupted.
    try (TestServer server = TestServer.start(folder.resolve("before"), FIXTURES)) {
      server.pull("big/git");
    }
    Map<String, String> variables = new TreeMap<>(FIXTURES);
    variables.put("NIXERY_LEASE", "2");
    Path spool = folder.resolve("storage/spool");
    for (int kill = 0; kill < 3; kill++) {
      TestServer server = TestServer.start(folder, variables);
      var _ = server.getAsync("/v2/big/git/manifests/latest");
      long sizeWanted = (kill + 1) * 5_000_000L;
      await(() -> size(spool) > sizeWanted);
      server.kill();
      assertThat(server.process().isAlive()).isFalse();
      assertThat(size(spool)).as("it was packing").isPositive();
      assertEveryBlobIsWhole();
    }
    try (TestServer server = TestServer.start(folder, variables)) {
      assertThat(size(spool)).as("what was left is swept").isZero();
      server.pull("big/git");
      assertEveryBlobIsWhole();
    }
  }

  private void assertEveryBlobIsWhole() throws IOException {
    Path blobs = folder.resolve("storage/objects/blobs");
    if (Files.isDirectory(blobs)) {
      for (Path blob : files(blobs)) {
        assertThat(Pull.digest(Files.readAllBytes(blob))).endsWith(blob.getFileName().toString());
      }
    }
  }

  private static List<Path> files(Path tree) throws IOException {
    try (Stream<Path> walk = Files.walk(tree)) {
      return walk.filter(Files::isRegularFile).toList();
    }
  }

  private static long size(Path tree) {
    if (!Files.isDirectory(tree)) {
      return 0;
    }
    long size = 0;
    try {
      for (Path file : files(tree)) {
        size += file.toFile().length(); // 0 where it has just been moved away
      }
    } catch (IOException | UncheckedIOException e) {
      return size;
    }
    return size;
  }

  private interface Condition {
    boolean holds() throws IOException;
  }

  private static void await(Condition condition) throws IOException, InterruptedException {
    long deadline = System.nanoTime() + Duration.ofMinutes(3).toNanos();
    while (!condition.holds()) {
      assertThat(System.nanoTime()).as("waited for too long").isLessThan(deadline);
      Thread.sleep(5);
    }
  }

  @Test
  void buildLogsOfAnySizeAreReadAndNotKept() throws IOException {
    Map<String, String> variables =
        Map.of(
            "NIXERY_PKGS_PATH",
            FIXTURES.get("NIXERY_PKGS_PATH"),
            "NIX_REMOTE",
            emptyNix.toString(),
            "JDK_JAVA_OPTIONS",
            "-Xmx32m");
    try (TestServer server = TestServer.start(folder, variables)) {
      server.pull("noisy/noisyline");
    }
  }

  @Test
  void whatALayerCannotHoldIsTheClientsToKnow() throws IOException {
    try (TestServer server = TestServer.start(folder, FIXTURES)) {
      assertThat(error(server, "whiteout")).contains(".wh.file");
    }
  }

  @Test
  void aBuildThatFailsOrTakesTooLongSaysSo() throws IOException {
    Map<String, String> variables =
        Map.of("NIXERY_PKGS_PATH", FIXTURES.get("NIXERY_PKGS_PATH"), "NIX_TIMEOUT", "3");
    try (TestServer server = TestServer.start(folder, variables)) {
      assertThat(error(server, "failing")).contains("failing").contains("the reason is 42");
      assertThat(error(server, "slow")).contains("slow").contains("3");
    }
  }

  @Test
  void whatCannotBeAnImageIsExplained() throws IOException {
    try (TestServer server = TestServer.start(folder, FIXTURES)) {
      assertThat(error(server, "git/helo/nosuchpackage"))
          .contains("helo")
          .contains("hello")
          .contains("nosuchpackage")
          .doesNotContain(folder.toString());
      assertThat(error(server, "afunction")).contains("a function");
      assertThat(error(server, "alist")).contains("a list");
      assertThat(error(server, "aset")).contains("a set");
      assertThat(error(server, "throws")).contains("unfree");
      assertThat(error(server, "deepfailure")).contains("deepest is marked as broken");
      assertThat(error(server, "infiniterecursion")).contains("infinite recursion");
    }
  }

  private static String error(TestServer server, String name) {
    HttpResponse<byte[]> answer = server.get("/v2/%s/manifests/latest".formatted(name));
    assertThat(answer.statusCode()).isEqualTo(404);
    assertThat(answer.headers().firstValue("Content-Type"))
        .hasValueSatisfying(type -> assertThat(type).startsWith("application/json"));
    assertThat(Pull.text(answer.body())).startsWith("{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\"");
    return Pull.text(answer.body());
  }

  @Test
  void twoServersShareOneStorageAndOneOfThemBuilds() throws IOException {
    Map<String, String> variables =
        Map.of("STORAGE_PATH", folder.resolve("shared").toString(), "NIXERY_DEBUG", "true");
    try (TestServer one = TestServer.start(folder.resolve("one"), variables);
        TestServer other = TestServer.start(folder.resolve("other"), variables)) {
      List<CompletableFuture<HttpResponse<byte[]>>> answers =
          Stream.of(one, other)
              .map(server -> server.getAsync("/v2/shell/curl/manifests/latest"))
              .toList();
      answers.forEach(answer -> assertThat(answer.join().statusCode()).isEqualTo(200));
      assertThat(Stream.concat(packed(one).stream(), packed(other).stream()))
          .isNotEmpty()
          .doesNotHaveDuplicates();
    }
  }

  @Test
  void aLayerThatWasLostIsPackedAgain() throws IOException {
    try (TestServer server = TestServer.start(folder, Map.of())) {
      String digest = server.pull("jq");
      for (Path blob : files(folder.resolve("storage/objects/blobs"))) {
        Files.delete(blob);
      }
      // It is remembered as complete until somebody misses a blob.
      assertThatThrownBy(() -> server.pull("jq")).isInstanceOf(AssertionError.class);
      assertThat(server.pull("jq")).isEqualTo(digest);
    }
  }

  @Test
  void aLayerThatWasCutIsPackedAgain() throws IOException {
    try (TestServer server = TestServer.start(folder, Map.of())) {
      String digest = server.pull("jq");
      int cut = 0;
      for (Path blob : files(folder.resolve("storage/objects/blobs"))) {
        if (Files.size(blob) > 10_000) { // no config
          assertThat(blob.toFile().setWritable(true)).isTrue();
          try (FileChannel channel = FileChannel.open(blob, StandardOpenOption.WRITE)) {
            channel.truncate(1000);
          }
          cut++;
        }
      }
      assertThat(cut).isPositive();
      assertThatThrownBy(() -> server.pull("jq")).isInstanceOf(AssertionError.class);
      assertThat(server.pull("jq")).isEqualTo(digest);
      assertEveryBlobIsWhole();
    }
  }

  @Test
  void whatIsLostIsNoticedWithoutAnybodyAskingForIt() throws IOException, InterruptedException {
    try (TestServer server = TestServer.start(folder, Map.of("NIXERY_TRUST", "1"))) {
      String digest = server.pull("jq");
      List<Path> blobs = files(folder.resolve("storage/objects/blobs"));
      for (Path blob : blobs) {
        Files.delete(blob);
      }
      await(() -> {
        server.get("/v2/jq/manifests/latest");
        return blobs.stream().allMatch(Files::exists);
      });
      assertThat(server.pull("jq")).isEqualTo(digest);
    }
  }

  @Test
  void arm64ImagesHoldArm64Programs() throws IOException {
    assertThat(TestServer.DEMO.resolve("debs/arm64"))
        .as("the demo set's packages for arm64 were fetched")
        .isDirectory();
    try (TestServer server = TestServer.start(folder, Map.of())) {
      HttpResponse<byte[]> manifest = server.get("/v2/arm64/hello/manifests/latest");
      assertThat(manifest.statusCode()).isEqualTo(200);
      assertThat(server.pull("arm64/hello")).isNotEqualTo(server.pull("hello"));
    }
  }
}

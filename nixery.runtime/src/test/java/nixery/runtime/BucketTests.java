package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import nixery.storage.gcs.fake.FakeGcs;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Servers whose storage is a bucket, on a Google Cloud Storage of the tests' own. */
final class BucketTests {

  private static final Pattern BLOB = Pattern.compile("\"(sha256:[0-9a-f]{64})\"");

  @TempDir Path folder;

  private FakeGcs gcs;
  private Path key;

  @BeforeEach
  void startGcs() {
    gcs = FakeGcs.start(0);
    gcs.createBucket("bucket");
    key = folder.resolve("key.json");
    gcs.createAccount(key);
  }

  @AfterEach
  void stopGcs() {
    gcs.close();
  }

  private TestServer serve(String name, Map<String, String> more) throws IOException {
    Map<String, String> variables = new TreeMap<>();
    variables.put("NIXERY_STORAGE_BACKEND", "gcs");
    variables.put("STORAGE_PATH", "");
    variables.put("GCS_BUCKET", "bucket");
    variables.put("GOOGLE_APPLICATION_CREDENTIALS", key.toString());
    variables.put("NIXERY_GCS_ENDPOINT", gcs.endpoint());
    variables.put("NIXERY_DEBUG", "true");
    variables.put("NIXERY_PKGS_PATH", TestServer.DEMO.resolve("fixtures.nix").toString());
    variables.putAll(more);
    return TestServer.start(folder.resolve(name), variables);
  }

  @Test
  void layersAreFetchedFromTheBucketDirectly() throws IOException, InterruptedException {
    try (TestServer server = serve("one", Map.of())) {
      String manifest = server.pull("hello");
      assertThat(manifest).startsWith("sha256:");
      // Not the config and the links, which are small enough to be sent by the server itself.
      String layer = blobs(server, "hello", TestServer.DOCKER_MANIFEST).get(1);

      URI blob =
          URI.create("http://127.0.0.1:%d/v2/hello/blobs/%s".formatted(server.port(), layer));
      HttpClient direct = HttpClient.newHttpClient();
      HttpResponse<Void> redirect =
          direct.send(HttpRequest.newBuilder(blob).build(), HttpResponse.BodyHandlers.discarding());
      assertThat(redirect.statusCode()).isEqualTo(307);
      URI location = URI.create(redirect.headers().firstValue("Location").orElseThrow());
      assertThat(location.toString()).startsWith(gcs.endpoint()).contains("X-Goog-Signature=");

      HttpResponse<byte[]> part =
          direct.send(
              HttpRequest.newBuilder(location).header("Range", "bytes=10-19").build(),
              HttpResponse.BodyHandlers.ofByteArray());
      assertThat(part.statusCode()).isEqualTo(206);
      assertThat(part.body()).hasSize(10);
    }
  }

  /** Returns the digests of config and layers. */
  private static List<String> blobs(TestServer server, String name, String accept) {
    HttpResponse<byte[]> manifest =
        server.get("/v2/%s/manifests/latest".formatted(name), "Accept", accept);
    assertThat(manifest.headers().firstValue("Content-Type")).contains(accept);
    assertThat(manifest.headers().firstValue("Docker-Content-Digest"))
        .contains(Pull.digest(manifest.body()));
    Matcher digests = BLOB.matcher(Pull.text(manifest.body()));
    List<String> found = new ArrayList<>();
    while (digests.find()) {
      found.add(digests.group(1));
    }
    return found;
  }

  @Test
  void ofTwoServersOneBuildsAndIfItDiesTheOtherDoes() throws Exception {
    // Nix has built it before, so that what is left to do is packing.
    try (TestServer before = TestServer.start(folder.resolve("before"), fixtures())) {
      before.pull("big");
    }
    Map<String, String> lease = Map.of("NIXERY_LEASE", "3");
    TestServer first = serve("first", lease);
    try (TestServer second = serve("second", lease)) {
      var _ = first.getAsync("/v2/big/manifests/latest");
      while (gcs.objects("bucket").stream().noneMatch(name -> name.contains("leases/layer-"))) {
        Thread.sleep(5);
      }
      CompletableFuture<HttpResponse<byte[]>> waiting = second.getAsync("/v2/big/manifests/latest");
      first.kill();
      assertThat(waiting.get().statusCode()).isEqualTo(200);
      second.pull("big");
      assertThat(gcs.objects("bucket")).noneMatch(name -> name.contains("leases/"));
    } finally {
      first.kill();
    }
  }

  private static Map<String, String> fixtures() {
    return Map.of("NIXERY_PKGS_PATH", TestServer.DEMO.resolve("fixtures.nix").toString());
  }

  @Test
  void twoServersOnOneBucketPackEachLayerOnce() throws IOException {
    try (TestServer one = serve("one", Map.of());
        TestServer other = serve("other", Map.of())) {
      List<CompletableFuture<HttpResponse<byte[]>>> answers =
          Stream.of(one, other)
              .map(server -> server.getAsync("/v2/shell/jq/manifests/latest"))
              .toList();
      answers.forEach(answer -> assertThat(answer.join().statusCode()).isEqualTo(200));
      List<String> packed =
          Stream.concat(one.log().stream(), other.log().stream())
              .filter(line -> line.contains(" packed sha256:"))
              .map(line -> line.substring(line.indexOf("layer ")))
              .toList();
      assertThat(packed).isNotEmpty().doesNotHaveDuplicates();
    }
  }

  @Test
  void aBucketThatIsGoneForAWhileLosesNothing() throws IOException {
    try (TestServer server = serve("one", Map.of())) {
      String digest = server.pull("hello");
      String other = "sha256:" + "0".repeat(64);
      FakeGcs.Detached detached = gcs.detach("bucket");
      assertThat(server.get("/v2/hello/manifests/" + digest).statusCode())
          .as("what is in memory")
          .isEqualTo(200);
      HttpResponse<byte[]> answer = server.get("/v2/hello/manifests/" + other);
      assertThat(answer.statusCode()).isEqualTo(503);
      assertThat(answer.headers().firstValue("Retry-After")).isPresent();
      gcs.attach(detached);
      assertThat(server.get("/v2/hello/manifests/" + other).statusCode()).isEqualTo(404);
      assertThat(server.pull("hello")).isEqualTo(digest);
    }
  }

  @Test
  void blobsThatWereLostAreMadeAgain() throws IOException {
    Map<String, String> git = Map.of("NIXERY_PKGS_PATH", "", "NIXERY_PKGS_REPO", fixturesInGit());
    for (Map<String, String> source : List.of(fixtures(), git)) {
      try (TestServer server = serve("one", source)) {
        String digest = server.pull("hello");
        Set<String> before = blobObjects();
        assertThat(before).isNotEmpty();
        before.forEach(name -> gcs.delete("bucket", name));
        assertThat(blobObjects()).isEmpty();
        // It is remembered as complete until somebody misses a blob.
        assertThatThrownBy(() -> server.pull("hello")).isInstanceOf(AssertionError.class);

        assertThat(server.pull("hello")).isEqualTo(digest);
        assertThat(blobObjects()).isEqualTo(before);
      }
    }
  }

  private Set<String> blobObjects() {
    return gcs.objects("bucket").stream()
        .filter(name -> name.contains("blobs/"))
        .collect(Collectors.toSet());
  }

  /** Two hundred images of a few small packages, while one storage call in twenty fails somehow. */
  @Test
  void twoHundredBuildsWithFailingStorageEndComplete()
      throws IOException, InterruptedException, ExecutionException {
    List<String> packages =
        List.of(
            "tiny",
            "symlinks",
            "hardlinks",
            "filesizes",
            "emptyfolders",
            "oddmodes",
            "foo",
            "hello");
    List<String> names =
        IntStream.rangeClosed(1, 200)
            .mapToObj(bits ->
                String.join(
                    "/",
                    IntStream.range(0, packages.size())
                        .filter(bit -> (bits >> bit & 1) == 1)
                        .mapToObj(packages::get)
                        .toList()))
            .toList();
    Map<String, String> source =
        Map.of("NIXERY_PKGS_PATH", "", "NIXERY_PKGS_REPO", fixturesInGit(), "NIXERY_LEASE", "5");
    try (TestServer server = serve("one", source)) {
      gcs.faults().random(0.05, 20261);
      try (ExecutorService clients = Executors.newFixedThreadPool(4)) {
        List<Future<?>> pulls = new ArrayList<>();
        for (String name : names) {
          pulls.add(clients.submit(() -> pullUntilItSucceeds(server, name)));
        }
        for (Future<?> pull : pulls) {
          pull.get();
        }
      }
      assertThat(gcs.faults().struck()).as("calls that failed").isGreaterThan(100);
      gcs.faults().clear();

      Set<String> checked = new TreeSet<>();
      for (String name : names) {
        List<String> digests = blobs(server, name, TestServer.DOCKER_MANIFEST);
        assertThat(blobs(server, name, TestServer.OCI_MANIFEST)).isEqualTo(digests);
        for (String digest : digests) {
          if (checked.add(digest)) {
            HttpResponse<byte[]> blob = server.get("/v2/%s/blobs/%s".formatted(name, digest));
            assertThat(blob.statusCode()).isEqualTo(200);
            assertThat(Pull.digest(blob.body())).isEqualTo(digest);
          }
        }
      }
      assertThat(checked).hasSizeGreaterThan(200);
      assertThat(server.log()).noneMatch(line -> line.contains("another server took over"));
    }
  }

  /** Commits the fixtures, and returns the address of the repository. */
  private String fixturesInGit() throws IOException {
    Path repository = folder.resolve("repository");
    String[] git = {
      "git", "-C", repository.toString(), "-c", "user.name=a", "-c", "user.email=a@example.org"
    };
    Files.createDirectories(repository);
    Files.writeString(
        repository.resolve("default.nix"),
        "args: import %s args".formatted(TestServer.DEMO.resolve("fixtures.nix")));
    Shell.run(Daemon.command(git, "init", "-q"));
    Shell.run(Daemon.command(git, "add", "."));
    Shell.run(Daemon.command(git, "commit", "-q", "-m", "fixtures"));
    return repository.toUri().toString();
  }

  /** A client that comes back when it is told to. */
  private static void pullUntilItSucceeds(TestServer server, String name) {
    for (int attempt = 0; attempt < 50; attempt++) {
      HttpResponse<byte[]> answer = server.get("/v2/%s/manifests/latest".formatted(name));
      if (answer.statusCode() == 200) {
        return;
      }
      assertThat(answer.statusCode()).as(Pull.text(answer.body())).isEqualTo(503);
    }
    throw new AssertionError("not after 50 attempts: " + name);
  }
}

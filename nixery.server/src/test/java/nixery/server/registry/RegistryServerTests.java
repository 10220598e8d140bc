package nixery.server.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import nixery.api.ConfigurationException;
import nixery.api.storage.Delivery;
import nixery.image.Digest;
import nixery.image.Document;
import nixery.image.MediaTypes;
import nixery.server.build.Image;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import nixery.server.metrics.Metrics;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class RegistryServerTests {

  private final FakeImages images = new FakeImages();
  private final Metrics metrics = new Metrics("test");
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private RegistryServer server;

  @TempDir Path folder;

  @BeforeEach
  void start() {
    server = new RegistryServer(images, new RegistryConfig("127.0.0.1", 0), metrics).start();
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  @Test
  void speaksTheProtocol() throws Exception {
    for (String path : List.of("/v2", "/v2/", "/v2/?ns=docker.io", "/v2/?")) {
      HttpResponse<byte[]> response = get(path);
      assertThat(response.statusCode()).isEqualTo(200);
      assertThat(text(response)).isEqualTo("{}");
      assertThat(header(response, "Content-Type")).isEqualTo("application/json");
      assertThat(header(response, "Docker-Distribution-API-Version")).isEqualTo("registry/2.0");
      assertHeadLikeGet(path);
    }
  }

  @Test
  void servesManifestsByTagAsTheClientLikes() throws Exception {
    Image image = images.addImage("git");
    images.onImage((name, tag) -> {
      assertThat(name + ":" + tag).isEqualTo("shell/git:v1");
      return image;
    });
    assertManifest(get("/v2/shell/git/manifests/v1"), image.docker().orElseThrow());
    assertManifest(
        get("/v2/shell/git/manifests/v1?ns=docker.io&x=%2F"), image.docker().orElseThrow());
    assertManifest(get("/v2/shell%2Fgit/manifests/v1", "Accept", FakeImages.OCI), image.oci());
    HttpResponse<byte[]> response =
        get(
            "/v2/shell/git/manifests/v1",
            "Accept",
            FakeImages.OCI,
            "Accept",
            FakeImages.DOCKER + ";q=0.5");
    assertManifest(response, image.oci());
    assertThat(header(response, "Vary")).isEqualTo("Accept");
    assertThat(header(response, "Cache-Control")).isEqualTo("no-cache");
    assertHeadLikeGet("/v2/shell/git/manifests/v1", "Accept", FakeImages.OCI);
  }

  @Test
  void thoseWhoDoNotAcceptTheOnlyManifestAreTold() throws Exception {
    Document oci = images.addImage("git").oci();
    images.onImage((name, tag) -> new Image(Optional.empty(), oci));
    images.offer(FakeImages.OCI);
    assertManifest(get("/v2/git/manifests/v1"), oci);
    assertManifest(get("/v2/git/manifests/v1", "Accept", "*/*"), oci);
    assertManifest(
        get("/v2/git/manifests/v1", "Accept", FakeImages.DOCKER + ", " + FakeImages.OCI), oci);
    HttpResponse<byte[]> refusal = get("/v2/git/manifests/v1", "Accept", FakeImages.DOCKER);
    assertError(refusal, 404, "MANIFEST_UNKNOWN");
    assertThat(new String(refusal.body(), StandardCharsets.UTF_8)).contains("zstd", "OCI");
  }

  @Test
  void servesManifestsByDigestAsTheyAre() throws Exception {
    Image image = images.addImage("git");
    for (Document manifest : List.of(image.docker().orElseThrow(), image.oci())) {
      String path = "/v2/any/manifests/" + manifest.digest();
      HttpResponse<byte[]> response = get(path, "Accept", FakeImages.DOCKER);
      assertManifest(response, manifest);
      assertThat(header(response, "Cache-Control")).contains("immutable");
      assertThat(response.headers().firstValue("Vary")).isEmpty();
      assertHeadLikeGet(path);
    }
    assertError(get("/v2/any/manifests/" + Digest.of(new byte[1])), 404, "MANIFEST_UNKNOWN");
    assertError(get("/v2/any/manifests/sha512:" + "0".repeat(128)), 404, "MANIFEST_UNKNOWN");
  }

  @Test
  void sendsNothingThatTheClientHas() throws Exception {
    Image image = images.addImage("git");
    images.onImage((name, tag) -> image);
    Digest digest = image.docker().orElseThrow().digest();
    byte[] content = random(1000);
    Digest blob = images.addFile(folder.resolve("blob"), content);
    for (String path :
        List.of(
            "/v2/git/manifests/latest", "/v2/git/manifests/" + digest, "/v2/git/blobs/" + blob)) {
      String known = (path.contains("blobs") ? blob : digest).toString();
      for (String value :
          List.of(
              "\"" + known + "\"", "W/\"" + known + "\"", "\"x\", \"" + known + "\"", "*", known)) {
        HttpResponse<byte[]> response = get(path, "If-None-Match", value);
        assertThat(response.statusCode()).isEqualTo(304);
        assertThat(response.body()).isEmpty();
        assertThat(header(response, "ETag")).isEqualTo("\"" + known + "\"");
        assertThat(response.headers().firstValue("Content-Length")).isEmpty();
      }
      assertThat(get(path, "If-None-Match", "\"other\"").statusCode()).isEqualTo(200);
      assertHeadLikeGet(path, "If-None-Match", "*");
    }
  }

  @Test
  void refusesWhatIsNotWhatTheClientExpects() throws Exception {
    Image image = images.addImage("git");
    images.onImage((name, tag) -> image);
    Digest digest = image.docker().orElseThrow().digest();
    Digest blob = images.addFile(folder.resolve("blob"), random(1000));
    for (String path :
        List.of(
            "/v2/git/manifests/latest", "/v2/git/manifests/" + digest, "/v2/git/blobs/" + blob)) {
      String etag = "\"" + (path.contains("blobs") ? blob : digest) + "\"";
      for (String value : List.of("*", etag, "\"other\", " + etag)) {
        assertThat(get(path, "If-Match", value).statusCode()).isEqualTo(200);
      }
      for (String value : List.of("\"other\"", "W/" + etag, "")) {
        assertError(get(path, "If-Match", value), 412, "PRECONDITION_FAILED");
        assertHeadLikeGet(path, "If-Match", value);
      }
      assertThat(get(path, "If-Match", etag, "If-None-Match", etag).statusCode()).isEqualTo(304);
    }
  }

  @Test
  void servesIndexesLikeManifests() throws Exception {
    Document index =
        Document.of(MediaTypes.OCI_INDEX, "{\"manifests\":[]}".getBytes(StandardCharsets.UTF_8));
    images.addManifest(index);
    String path = "/v2/git/manifests/" + index.digest();
    for (String accept : List.of(MediaTypes.OCI_INDEX, FakeImages.DOCKER, "text/html")) {
      assertManifest(get(path, "Accept", accept), index);
      assertHeadLikeGet(path, "Accept", accept);
    }
  }

  @Test
  void answersOnlySoManyRequestsAtATime() throws Exception {
    Image image = images.addImage("git");
    CountDownLatch asked = new CountDownLatch(2);
    CountDownLatch done = new CountDownLatch(1);
    images.onImage((name, tag) -> {
      asked.countDown();
      await(done);
      return image;
    });
    server.close();
    server =
        new RegistryServer(
                images,
                new RegistryConfig(
                    "127.0.0.1", 0, Duration.ofSeconds(30), Duration.ofMinutes(1), 100, 2),
                metrics)
            .start();
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<HttpResponse<byte[]>>> waiting =
          List.of(
              executor.submit(() -> get("/v2/git/manifests/latest")),
              executor.submit(() -> get("/v2/git/manifests/latest")));
      await(asked);
      HttpResponse<byte[]> response = get("/v2/");
      assertError(response, 429, "TOOMANYREQUESTS");
      assertThat(header(response, "Retry-After")).isEqualTo("10");
      assertHeadLikeGet("/v2/");
      done.countDown();
      for (Future<HttpResponse<byte[]>> answer : waiting) {
        assertThat(answer.get(60, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
      }
      assertThat(get("/v2/").statusCode()).isEqualTo(200);
    }
  }

  @Test
  void servesBlobsFromFilesAndStreams() throws Exception {
    byte[] content = random(700_000);
    Digest file = images.addFile(folder.resolve("blob"), content);
    byte[] other = random(600_001);
    Digest stream = images.addBytes(other);
    Digest empty = images.addFile(folder.resolve("empty"), new byte[0]);
    for (Map.Entry<Digest, byte[]> blob :
        Map.of(file, content, stream, other, empty, new byte[0]).entrySet()) {
      String path = "/v2/a/blobs/b/blobs/" + blob.getKey();
      HttpResponse<byte[]> response = get(path);
      assertThat(response.statusCode()).isEqualTo(200);
      assertThat(response.body()).isEqualTo(blob.getValue());
      assertThat(header(response, "Content-Type")).isEqualTo("application/octet-stream");
      assertThat(header(response, "Content-Length")).isEqualTo("" + blob.getValue().length);
      assertThat(header(response, "Docker-Content-Digest")).isEqualTo("" + blob.getKey());
      assertThat(header(response, "ETag")).isEqualTo("\"" + blob.getKey() + "\"");
      assertThat(header(response, "Accept-Ranges")).isEqualTo("bytes");
      assertThat(header(response, "Cache-Control")).contains("immutable");
      assertHeadLikeGet(path);
    }
    assertThat(images.openStreams).hasValue(0);
    assertError(get("/v2/a/blobs/" + Digest.of(new byte[1])), 404, "BLOB_UNKNOWN");
    assertError(get("/v2/a/blobs/sha512:" + "0".repeat(128)), 404, "BLOB_UNKNOWN");
  }

  @Test
  void servesRanges() throws Exception {
    byte[] content = random(300_000);
    Digest file = images.addFile(folder.resolve("blob"), content);
    Digest stream = images.addBytes(content);
    Random random = new Random(7);
    for (int i = 0; i < 150; i++) {
      int first = random.nextInt(content.length);
      int last = first + random.nextInt(content.length - first);
      String range = "bytes=" + first + "-" + last;
      if (i % 3 == 1) {
        last = content.length - 1;
        range = "bytes=" + first + "-";
      } else if (i % 3 == 2) {
        last = content.length - 1;
        range = "bytes=-" + (content.length - first);
      }
      HttpResponse<byte[]> response =
          get("/v2/git/blobs/" + (i % 2 == 0 ? file : stream), "Range", range);
      assertThat(response.statusCode()).isEqualTo(206);
      assertThat(header(response, "Content-Range"))
          .isEqualTo("bytes " + first + "-" + last + "/" + content.length);
      assertThat(header(response, "Content-Length")).isEqualTo("" + (last - first + 1));
      assertThat(response.body()).isEqualTo(Arrays.copyOfRange(content, first, last + 1));
    }
    assertThat(images.openStreams).hasValue(0);
  }

  @Test
  void answersOtherRangesAsRfc9110Says() throws Exception {
    byte[] content = random(1000);
    String path = "/v2/git/blobs/" + images.addFile(folder.resolve("blob"), content);
    HttpResponse<byte[]> response = get(path, "Range", "bytes=1000-");
    assertError(response, 416, "RANGE_INVALID");
    assertThat(header(response, "Content-Range")).isEqualTo("bytes */1000");
    assertThat(get(path, "Range", "bytes=0-1,5-6").body()).isEqualTo(content);
    assertThat(head(path, "Range", "bytes=0-1").statusCode()).isEqualTo(200);
    String etag = header(get(path), "ETag");
    assertThat(get(path, "Range", "bytes=0-1", "If-Range", etag).statusCode()).isEqualTo(206);
    for (String other : List.of("\"x\"", "W/" + etag, "Sat, 29 Oct 1994 19:43:31 GMT")) {
      response = get(path, "Range", "bytes=0-1", "If-Range", other);
      assertThat(response.statusCode()).isEqualTo(200);
      assertThat(response.body()).isEqualTo(content);
    }
  }

  @Test
  void redirectsToWhereABlobIs() throws Exception {
    Digest digest = Digest.of(new byte[0]);
    URI location = URI.create("https://storage.example/layer?signature=a%2Fb&x=1");
    images.addRedirect(digest, new Delivery.Redirect(location));
    HttpResponse<byte[]> response = get("/v2/git/blobs/" + digest, "Range", "bytes=5-");
    assertThat(response.statusCode()).isEqualTo(307);
    assertThat(header(response, "Location")).isEqualTo(location.toString());
    assertThat(header(response, "Cache-Control")).isEqualTo("no-store");
    assertThat(response.body()).isEmpty();
    assertHeadLikeGet("/v2/git/blobs/" + digest);
  }

  @Test
  void listsTags() throws Exception {
    images.tags(List.of("a", "b", "c.1", "d"));
    assertThat(text(get("/v2/shell/git/tags/list")))
        .isEqualTo("{\"name\":\"shell/git\",\"tags\":[\"a\",\"b\",\"c.1\",\"d\"]}");
    HttpResponse<byte[]> response = get("/v2/git/tags/list?n=2&last=a");
    assertThat(text(response)).isEqualTo("{\"name\":\"git\",\"tags\":[\"b\",\"c.1\"]}");
    assertThat(header(response, "Link"))
        .isEqualTo("</v2/git/tags/list?n=2&last=c.1>; rel=\"next\"");
    response = get("/v2/git/tags/list?n=2&last=b");
    assertThat(text(response)).contains("[\"c.1\",\"d\"]");
    assertThat(response.headers().firstValue("Link")).isEmpty();
    response = get("/v2/git/tags/list?n=0");
    assertThat(text(response)).contains("[]");
    assertThat(response.headers().firstValue("Link")).isEmpty();
    assertThat(text(get("/v2/git/tags/list?last=zzz"))).contains("[]");
    for (String n : List.of("4", "99999999999999", "9".repeat(999))) {
      response = get("/v2/git/tags/list?n=" + n);
      assertThat(text(response)).contains("[\"a\",\"b\",\"c.1\",\"d\"]");
      assertThat(response.headers().firstValue("Link")).isEmpty();
    }
    assertThat(text(get("/v2/git/tags/list?last=bb"))).contains("[\"c.1\",\"d\"]");
    for (String n : List.of("-1", "x", "", "1.0", "+1", "%D9%A1")) {
      assertError(get("/v2/git/tags/list?n=" + n), 400, "PAGINATION_NUMBER_INVALID");
    }
    assertHeadLikeGet("/v2/git/tags/list?n=2");
  }

  @Test
  void listsTagsInTheOrderOfTheSpecification() throws Exception {
    images.tags(List.of("B", "V2", "_x", "a", "c", "v10", "v2"));
    assertThat(text(get("/v2/git/tags/list")))
        .contains("[\"_x\",\"a\",\"B\",\"c\",\"v10\",\"V2\",\"v2\"]");
    List<String> paged = new ArrayList<>();
    String next = "/v2/git/tags/list?n=2";
    while (!next.isEmpty()) {
      HttpResponse<byte[]> response = get(next);
      new JsonMapper()
          .readTree(response.body())
          .get("tags")
          .forEach(tag -> paged.add(tag.asString()));
      next = response.headers().firstValue("Link").orElse("").replaceFirst("<(.*)>.*", "$1");
    }
    assertThat(paged).containsExactly("_x", "a", "B", "c", "v10", "V2", "v2");
  }

  @Test
  void hasNoReferrers() throws Exception {
    String path = "/v2/git/referrers/" + Digest.of(new byte[0]);
    HttpResponse<byte[]> response = get(path);
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(header(response, "Content-Type"))
        .isEqualTo("application/vnd.oci.image.index.v1+json");
    JsonNode index = new JsonMapper().readTree(response.body());
    assertThat(index.get("schemaVersion").asInt()).isEqualTo(2);
    assertThat(index.get("manifests").size()).isZero();
    assertThat(response.headers().firstValue("OCI-Filters-Applied")).isEmpty();
    response = get(path + "?artifactType=application/x");
    assertThat(header(response, "OCI-Filters-Applied")).isEqualTo("artifactType");
    assertHeadLikeGet(path);
    assertError(get("/v2/git/referrers/x"), 400, "DIGEST_INVALID");
    assertThat(get("/v2/git/referrers/sha512:" + "0".repeat(128)).statusCode()).isEqualTo(200);
  }

  @Test
  void refusesOtherMethods() throws Exception {
    String digest = Digest.of(new byte[0]).toString();
    for (String path :
        List.of(
            "/v2/",
            "/v2/git/blobs/uploads/",
            "/v2/git/blobs/uploads/id",
            "/v2/git/blobs/" + digest,
            "/v2/git/manifests/latest",
            "/v2/git/manifests/" + digest,
            "/v2/git/manifests/sha512:" + "0".repeat(128),
            "/v2/git/blobs/uploads/?mount=" + digest + "&from=other",
            "/v2/git/referrers/" + digest,
            "/v2/git/tags/list")) {
      for (String method : List.of("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND")) {
        for (String body : List.of("", "some body")) {
          HttpResponse<byte[]> response =
              send(request(path).method(method, HttpRequest.BodyPublishers.ofString(body)));
          assertError(response, 405, "UNSUPPORTED");
          assertThat(header(response, "Allow")).isEqualTo("GET, HEAD");
        }
      }
    }
    assertThat(images.calls).hasValue(0);
    // The conformance suite wants 400 or 404 here.
    assertError(
        send(
            request("/v2/git/manifests/sha256:totallywrong")
                .PUT(HttpRequest.BodyPublishers.ofString("blablabla"))),
        400,
        "DIGEST_INVALID");
    assertError(get("/v2/git/blobs/uploads/"), 404, "UNSUPPORTED");
  }

  @Test
  void refusesBadAddressesBeforeAnybodyIsAsked() throws Exception {
    assertError(get("/v2/Git/manifests/latest"), 400, "NAME_INVALID");
    assertError(get("/v2/git/manifests/a*b"), 400, "MANIFEST_INVALID");
    assertError(get("/v2/git/manifests/sha256:x"), 400, "DIGEST_INVALID");
    assertError(get("/v2/git/blobs/x"), 400, "DIGEST_INVALID");
    assertError(get("/v2/git/manifests/.INVALID_MANIFEST_NAME"), 404, "MANIFEST_UNKNOWN");
    assertError(get("/v2/_catalog"), 404, "UNSUPPORTED");
    assertError(get("/"), 404, "UNSUPPORTED");
    assertThat(images.calls).hasValue(0);
  }

  @ParameterizedTest
  @EnumSource
  void tellsWhyItFailed(FailureCode code) throws Exception {
    images.onImage((name, tag) -> {
      throw new Failure(code, "the \"message\"\n\u0007 of Nix, ä");
    });
    HttpResponse<byte[]> response = get("/v2/git/manifests/latest");
    int status = response.statusCode();
    assertThat(status).isBetween(400, 503);
    JsonNode error = new JsonMapper().readTree(response.body()).get("errors").get(0);
    if (code == FailureCode.INTERNAL) {
      assertThat(status).isEqualTo(500);
      assertThat(error.get("message").asString())
          .contains(error.get("detail").get("id").asString())
          .doesNotContain("Nix");
    } else {
      assertThat(error.get("message").asString()).isEqualTo("the \"message\"\n\u0007 of Nix, ä");
    }
    assertThat(response.headers().firstValue("Retry-After").isPresent())
        .isEqualTo(Set.of(429, 503).contains(status));
    assertThat(header(response, "Cache-Control")).isEqualTo("no-store");
    assertThat(header(response, "Content-Type")).isEqualTo("application/json");
    assertHeadLikeGet("/v2/git/manifests/latest");
  }

  @Test
  void hidesDefects() throws Exception {
    images.onImage((name, tag) -> {
      throw new IllegalStateException("secret");
    });
    HttpResponse<byte[]> response = get("/v2/git/manifests/latest");
    assertError(response, 500, "UNKNOWN");
    assertThat(text(response)).doesNotContain("secret");
    images.onImage((name, tag) -> {
      throw new StackOverflowError("secret");
    });
    response = get("/v2/git/manifests/latest");
    assertError(response, 500, "UNKNOWN");
    assertThat(text(response)).doesNotContain("secret");
  }

  @Test
  void failsProperlyWhereABlobIsNotWhatItShouldBe() throws Exception {
    byte[] content = random(1000);
    Path file = folder.resolve("blob");
    Digest digest = images.addFile(file, content);
    Files.write(file, new byte[999]);
    HttpResponse<byte[]> response = get("/v2/git/blobs/" + digest, "Range", "bytes=5-6");
    assertError(response, 500, "UNKNOWN");
    for (String name : List.of("ETag", "Content-Range", "Docker-Content-Digest", "Accept-Ranges")) {
      assertThat(response.headers().firstValue(name)).isEmpty();
    }
    Files.delete(file);
    assertError(get("/v2/git/blobs/" + digest), 404, "BLOB_UNKNOWN");
    images.addStream(
        digest,
        1000,
        offset -> {
          throw new IOException("gone");
        });
    response = get("/v2/git/blobs/" + digest);
    assertError(response, 503, "UNAVAILABLE");
    assertThat(header(response, "Retry-After")).isEqualTo("10");
  }

  @Test
  void letsRunningRequestsFinish() throws Exception {
    Image image = images.addImage("git");
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch closing = new CountDownLatch(1);
    images.onImage((name, tag) -> {
      asked.countDown();
      await(closing);
      return image;
    });
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<HttpResponse<byte[]>> response =
          executor.submit(() -> get("/v2/git/manifests/latest"));
      await(asked);
      int port = server.port();
      Future<?> closed = executor.submit(server::close);
      while (accepts(port)) {
        Thread.sleep(10);
      }
      closing.countDown();
      assertManifest(response.get(60, TimeUnit.SECONDS), image.docker().orElseThrow());
      closed.get(60, TimeUnit.SECONDS);
    }
  }

  @Test
  void cutsOffWhatDoesNotFinish() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch interrupted = new CountDownLatch(1);
    images.onImage((name, tag) -> {
      asked.countDown();
      try {
        Thread.sleep(Duration.ofMinutes(10));
        throw new AssertionError("not interrupted");
      } catch (InterruptedException e) {
        interrupted.countDown();
        throw new Failure(FailureCode.OVERLOADED, "interrupted", e);
      }
    });
    RegistryConfig config =
        new RegistryConfig("127.0.0.1", 0, Duration.ofMillis(100), Duration.ofMinutes(1), 10, 10);
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      try (RegistryServer hasty = new RegistryServer(images, config, metrics).start()) {
        URI uri = URI.create("http://127.0.0.1:" + hasty.port() + "/v2/git/manifests/latest");
        var _ = executor.submit(() -> send(HttpRequest.newBuilder(uri)));
        await(asked);
      }
      await(interrupted);
    }
  }

  @Test
  void saysThatThePortIsTaken() throws Exception {
    assertThatThrownBy(() ->
            new RegistryServer(images, new RegistryConfig("127.0.0.1", server.port()), metrics)
                .start())
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("port " + server.port())
        .hasMessageContaining("PORT");
    assertThatThrownBy(() ->
            new RegistryServer(images, new RegistryConfig("no-such-host.invalid", 0), metrics)
                .start())
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("no-such-host.invalid");
    assertThatThrownBy(() -> new RegistryConfig("127.0.0.1", 70_000))
        .isInstanceOf(ConfigurationException.class);
  }

  private static boolean accepts(int port) {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      return socket.isConnected();
    } catch (IOException e) {
      return false;
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static void assertManifest(HttpResponse<byte[]> response, Document manifest) {
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.body()).isEqualTo(manifest.bytes());
    assertThat(header(response, "Content-Type")).isEqualTo(manifest.mediaType());
    assertThat(header(response, "Content-Length")).isEqualTo("" + manifest.bytes().length);
    assertThat(header(response, "Docker-Content-Digest")).isEqualTo(manifest.digest().toString());
    assertThat(header(response, "ETag")).isEqualTo("\"" + manifest.digest() + "\"");
  }

  private static void assertError(HttpResponse<byte[]> response, int status, String code)
      throws IOException {
    assertThat(response.statusCode()).as(text(response)).isEqualTo(status);
    assertThat(header(response, "Content-Type")).isEqualTo("application/json");
    JsonNode errors = new JsonMapper().readTree(response.body()).get("errors");
    assertThat(errors.size()).isEqualTo(1);
    assertThat(errors.get(0).get("code").asString()).isEqualTo(code);
    assertThat(errors.get(0).get("message").asString()).isNotBlank();
  }

  /** Compares all headers but the time, and, of internal failures, what depends on their id. */
  private void assertHeadLikeGet(String path, String... headers) throws Exception {
    HttpResponse<byte[]> get = get(path, headers);
    HttpResponse<byte[]> head = head(path, headers);
    assertThat(head.statusCode()).isEqualTo(get.statusCode());
    assertThat(head.body()).isEmpty();
    assertThat(comparable(head)).isEqualTo(comparable(get));
  }

  private static Map<String, List<String>> comparable(HttpResponse<?> response) {
    Map<String, List<String>> headers = new TreeMap<>(response.headers().map());
    headers.remove("date");
    headers.remove("x-request-id");
    return headers;
  }

  private HttpResponse<byte[]> get(String path, String... headers) throws Exception {
    return send(withHeaders(request(path), headers));
  }

  private HttpResponse<byte[]> head(String path, String... headers) throws Exception {
    return send(withHeaders(request(path), headers).HEAD());
  }

  private static HttpRequest.Builder withHeaders(HttpRequest.Builder request, String[] headers) {
    return headers.length == 0 ? request : request.headers(headers);
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path));
  }

  private HttpResponse<byte[]> send(HttpRequest.Builder request) throws Exception {
    return client.send(
        request.timeout(Duration.ofSeconds(60)).build(), HttpResponse.BodyHandlers.ofByteArray());
  }

  private static String header(HttpResponse<?> response, String name) {
    assertThat(response.headers().allValues(name)).as(name).hasSize(1);
    return response.headers().firstValue(name).orElseThrow();
  }

  private static String text(HttpResponse<byte[]> response) {
    return new String(response.body(), StandardCharsets.UTF_8);
  }

  private static byte[] random(int length) {
    byte[] bytes = new byte[length];
    new Random(length).nextBytes(bytes);
    return bytes;
  }
}

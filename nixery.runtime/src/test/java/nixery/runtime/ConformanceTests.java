package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Asks what the conformance suite of the OCI distribution specification asks of a registry that
 * nobody pushes to: its categories "pull" and "content discovery" (version 1.1), and what its
 * successor asks of data that is there for reading only.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ConformanceTests {

  private static final String NAME = "shell/hello";
  private static final String OCI_INDEX = "application/vnd.oci.image.index.v1+json";
  private static final String UNKNOWN = Pull.digest("hello world".getBytes(StandardCharsets.UTF_8));
  private static final Pattern DIGEST = Pattern.compile("sha256:[0-9a-f]{64}");
  private static final List<String> ERROR_CODES =
      List.of(
          "BLOB_UNKNOWN",
          "DIGEST_INVALID",
          "MANIFEST_INVALID",
          "MANIFEST_UNKNOWN",
          "NAME_INVALID",
          "NAME_UNKNOWN",
          "UNSUPPORTED");

  private final HttpClient client = HttpClient.newHttpClient();
  private TestServer server;
  private String manifest;
  private String blob;

  /** Four tags, all of them the same package set. */
  @BeforeAll
  void start(@TempDir Path folder) throws IOException {
    Path repository = Files.createDirectories(folder.resolve("repository"));
    Files.writeString(
        repository.resolve("default.nix"),
        "{ system ? builtins.currentSystem, ... }: import %s { inherit system; }\n"
            .formatted(TestServer.DEMO));
    git(repository, "init", "-q");
    git(repository, "add", ".");
    git(repository, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "-m", "set");
    for (String tag : List.of("test0", "test1", "test2", "test3")) {
      git(repository, "tag", tag);
    }
    server =
        TestServer.start(
            folder.resolve("server"),
            Map.of("NIXERY_PKGS_PATH", "", "NIXERY_PKGS_REPO", repository.toUri().toString()));
    HttpResponse<byte[]> pulled = get("/manifests/test0", "Accept", TestServer.OCI_MANIFEST);
    assertThat(pulled.statusCode()).as(Pull.text(pulled.body())).isEqualTo(200);
    manifest = Pull.digest(pulled.body());
    Matcher first = DIGEST.matcher(Pull.text(pulled.body()));
    assertThat(first.find()).isTrue();
    blob = first.group();
  }

  @AfterAll
  void stop() {
    client.close();
    server.close();
  }

  private static void git(Path repository, String... arguments) {
    Shell.run(Daemon.command(new String[] {"git", "-C", repository.toString()}, arguments));
  }

  private HttpResponse<byte[]> send(String method, String path, String... headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + server.port() + "/v2/" + NAME + path))
            .method(method, HttpRequest.BodyPublishers.noBody());
    if (headers.length > 0) {
      request.headers(headers);
    }
    try {
      return client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
    } catch (IOException e) {
      throw new AssertionError(path, e);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private HttpResponse<byte[]> get(String path, String... headers) {
    return send("GET", path, headers);
  }

  private static String header(HttpResponse<?> response, String name) {
    return response.headers().firstValue(name).orElse("");
  }

  private static void assertError(HttpResponse<byte[]> response, int status) {
    assertThat(response.statusCode()).isEqualTo(status);
    assertThat(header(response, "Content-Type")).isEqualTo("application/json");
    Matcher code =
        Pattern.compile("\\{\"errors\":\\[\\{\"code\":\"([A-Z_]+)\",\"message\":.*")
            .matcher(Pull.text(response.body()));
    assertThat(code.matches()).as(Pull.text(response.body())).isTrue();
    assertThat(ERROR_CODES).contains(code.group(1));
  }

  @Test
  void pullsBlobs() {
    for (String method : List.of("HEAD", "GET")) {
      assertThat(send(method, "/blobs/" + UNKNOWN).statusCode()).isEqualTo(404);
      HttpResponse<byte[]> there = send(method, "/blobs/" + blob);
      assertThat(there.statusCode()).isEqualTo(200);
      assertThat(header(there, "Docker-Content-Digest")).isEqualTo(blob);
      assertThat(Integer.parseInt(header(there, "Content-Length"))).isPositive();
    }
    assertThat(Pull.digest(get("/blobs/" + blob).body())).isEqualTo(blob);
    assertError(get("/blobs/" + UNKNOWN), 404);
  }

  @Test
  void pullsPartsOfBlobs() {
    byte[] whole = get("/blobs/" + blob).body();
    int last = whole.length - 1;
    Map<String, String> ranges =
        Map.of(
            "bytes=50-149", "50-149",
            "bytes=50-", "50-" + last,
            "bytes=-50", (whole.length - 50) + "-" + last,
            "bytes=50-999999", "50-" + last);
    ranges.forEach((asked, sent) -> {
      HttpResponse<byte[]> part = get("/blobs/" + blob, "Range", asked);
      assertThat(part.statusCode()).isEqualTo(206);
      assertThat(header(part, "Content-Range")).isEqualTo("bytes " + sent + "/" + whole.length);
      assertThat(header(part, "Content-Length")).isEqualTo("" + part.body().length);
      assertThat(whole).containsSequence(part.body());
    });
    for (String none : List.of("bytes=500-0", "bytes=999999-9999999")) {
      assertThat(get("/blobs/" + blob, "Range", none).statusCode()).isEqualTo(416);
    }
  }

  @Test
  void pullsManifests() {
    for (String method : List.of("HEAD", "GET")) {
      assertThat(send(method, "/manifests/.INVALID_MANIFEST_NAME").statusCode()).isEqualTo(404);
      assertThat(send(method, "/manifests/" + UNKNOWN).statusCode()).isEqualTo(404);
      for (String reference : List.of("test0", "test3", manifest)) {
        HttpResponse<byte[]> there =
            send(
                method,
                "/manifests/" + reference,
                "Accept",
                OCI_INDEX,
                "Accept",
                TestServer.OCI_MANIFEST);
        assertThat(there.statusCode()).isEqualTo(200);
        assertThat(header(there, "Docker-Content-Digest")).isEqualTo(manifest);
        assertThat(header(there, "Content-Type")).isEqualTo(TestServer.OCI_MANIFEST);
        assertThat(Integer.parseInt(header(there, "Content-Length"))).isPositive();
      }
    }
    assertError(get("/manifests/missing-w5gk2hzh3dxkqvw4ptbb"), 404);
    assertError(get("/manifests/sha256:baddigeststring"), 400);
  }

  @Test
  void refusesToBeWrittenTo() {
    assertError(send("PUT", "/manifests/sha256:totallywrong"), 400);
    for (String path : List.of("/manifests/" + manifest, "/manifests/test0", "/blobs/" + blob)) {
      assertError(send("DELETE", path), 405);
    }
    HttpResponse<byte[]> upload = send("POST", "/blobs/uploads/");
    assertError(upload, 405);
    assertThat(header(upload, "Allow")).isEqualTo("GET, HEAD");
    assertThat(get("/manifests/test0").statusCode()).isEqualTo(200);
  }

  private List<String> tags(String query) {
    HttpResponse<byte[]> response = get("/tags/list" + query);
    assertThat(response.statusCode()).isEqualTo(200);
    Matcher list =
        Pattern.compile("\\{\"name\":\"" + NAME + "\",\"tags\":\\[(.*)]}")
            .matcher(Pull.text(response.body()));
    assertThat(list.matches()).as(Pull.text(response.body())).isTrue();
    return Stream.of(list.group(1).split(","))
        .filter(tag -> !tag.isEmpty())
        .map(tag -> tag.replace("\"", ""))
        .toList();
  }

  @Test
  void listsTags() {
    List<String> all = tags("");
    assertThat(all).contains("test0", "test1", "test2", "test3", "latest");
    int half = all.size() / 2;
    List<String> page = tags("?n=" + half);
    assertThat(page).isEqualTo(all.subList(0, half));
    List<String> next = tags("?n=" + half + "&last=" + page.getLast());
    assertThat(next).hasSizeLessThanOrEqualTo(half).doesNotContain(page.getLast());
    assertThat(tags("?last=" + page.getLast())).isEqualTo(all.subList(half, all.size()));
    List<String> paged = new ArrayList<>();
    String link = "?n=2";
    while (!link.isEmpty()) {
      paged.addAll(tags(link));
      link =
          header(get("/tags/list" + link), "Link")
              .replaceFirst("</v2/" + NAME + "/tags/list(.*)>; rel=\"next\"", "$1");
    }
    assertThat(paged).isEqualTo(all);
  }

  @Test
  void listsReferrers() {
    for (String subject : List.of(UNKNOWN, manifest)) {
      for (String query : List.of("", "?artifactType=application%2Fvnd.example%2Btype")) {
        HttpResponse<byte[]> response = get("/referrers/" + subject + query);
        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(header(response, "Content-Type")).isEqualTo(OCI_INDEX);
        assertThat(header(response, "OCI-Filters-Applied"))
            .isEqualTo(query.isEmpty() ? "" : "artifactType");
        assertThat(Pull.text(response.body()))
            .isEqualTo(
                "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"manifests\":[]}".formatted(OCI_INDEX));
      }
    }
  }

  @Test
  void answersThePing() {
    assertThat(server.get("/v2/").statusCode()).isEqualTo(200);
  }
}

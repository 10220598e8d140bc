package nixery.server.web.pages;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.stream.Stream;
import nixery.image.Digest;
import nixery.server.build.Catalogue.Preview;
import nixery.server.build.Catalogue.Started;
import nixery.server.build.ImageDetails;
import nixery.server.build.LayerContents;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import nixery.server.metrics.Metrics;
import nixery.server.nix.Output;
import nixery.server.nix.Resolved;
import nixery.server.progress.Build;
import nixery.server.progress.Builds;
import nixery.server.progress.Redaction;
import nixery.server.registry.FakeImages;
import nixery.server.registry.RegistryConfig;
import nixery.server.registry.RegistryServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The pages over HTTP, with images and builds that are made up. */
final class PagesTests {

  private static final Duration STALL = Duration.ofMillis(500);
  private static final String SCRIPT = "<script>alert('1')</script>";
  private static final String SHOWN = "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;";

  private final HttpClient client = HttpClient.newHttpClient();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final CountDownLatch end = new CountDownLatch(1);
  private final FakeCatalogue catalogue = new FakeCatalogue();
  private final Builds builds = new Builds(true, new Redaction(List.of()));
  private RegistryServer server;

  @BeforeEach
  void start() {
    server = serve(new Pages(catalogue, builds, true));
  }

  private static RegistryServer serve(Pages pages) {
    return new RegistryServer(
            new FakeImages(),
            new RegistryConfig("127.0.0.1", 0, Duration.ZERO, STALL, 1000, 1000),
            new Metrics("test"),
            pages)
        .start();
  }

  @AfterEach
  void stop() {
    end.countDown();
    threads.close();
    client.shutdownNow();
    server.close();
  }

  private HttpRequest.Builder request(String path, String... headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path));
    return headers.length == 0 ? request : request.headers(headers);
  }

  private HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private HttpResponse<String> get(String path, String... headers) throws Exception {
    return send(request(path, headers));
  }

  private HttpResponse<String> post(String path, String... headers) throws Exception {
    return send(request(path, headers).POST(HttpRequest.BodyPublishers.noBody()));
  }

  private static String header(HttpResponse<?> response, String name) {
    return response.headers().firstValue(name).orElse("");
  }

  /** Begins a build that goes on until the test ends. */
  private Build begin(String image, Consumer<Build> work) throws InterruptedException {
    CountDownLatch begun = new CountDownLatch(1);
    Future<?> _ =
        threads.submit(() ->
            builds.run(
                image,
                "latest",
                build -> {
                  work.accept(build);
                  begun.countDown();
                  try {
                    end.await();
                  } catch (InterruptedException e) {
                    throw new AssertionError(e);
                  }
                  return image;
                }));
    begun.await();
    return builds.newest(image, "latest").orElseThrow();
  }

  private Build ended(String image, Consumer<Build> work) {
    builds.run(
        image,
        "latest",
        build -> {
          work.accept(build);
          return image;
        });
    return builds.newest(image, "latest").orElseThrow();
  }

  private Build failed(String image, String message) {
    try {
      ended(
          image,
          build -> {
            build.line(SCRIPT);
            throw new Failure(FailureCode.BUILD_FAILED, message);
          });
    } catch (Failure e) {
      return builds.newest(image, "latest").orElseThrow();
    }
    throw new AssertionError();
  }

  private static Resolved.Found found(String name) {
    return new Resolved.Found(
        name,
        "/nix/store/3n58xw4373jp0ljirf06d8077j15pc4j-" + name + "-1.0.drv",
        List.of(new Output("out", "/nix/store/3n58xw4373jp0ljirf06d8077j15pc4j-" + name)));
  }

  private static ImageDetails details() {
    return new ImageDetails(
        Digest.of(new byte[1]),
        List.of(
            new ImageDetails.Layer(
                Digest.of(new byte[2]),
                2_000_000,
                Optional.of(
                    new LayerContents(List.of(new LayerContents.Item("glibc-2.36", 12_000_000)))),
                List.of("jq:latest")),
            new ImageDetails.Layer(Digest.of(new byte[3]), 1_000, Optional.empty(), List.of())));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/",
        "/?packages=git",
        "/?packages=A*",
        "/builds",
        "/builds/x",
        "/images/git?tag=v1",
        "/builds/x/events",
        "/assets/none"
      })
  void everyPageKeepsOthersOut(String path) throws Exception {
    HttpResponse<String> page = get(path);
    assertThat(page.statusCode()).isIn(200, 400, 404);
    assertThat(header(page, "Content-Type")).isEqualTo("text/html; charset=utf-8");
    assertThat(header(page, "Content-Security-Policy"))
        .contains("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'")
        .doesNotContain("unsafe");
    assertThat(header(page, "X-Content-Type-Options")).isEqualTo("nosniff");
    assertThat(header(page, "Cache-Control")).isEqualTo("no-store");
    assertThat(page.body()).startsWith("<!DOCTYPE html>\n<html lang=\"en\">");
    HttpResponse<String> head = send(request(path).HEAD());
    assertThat(head.statusCode()).isEqualTo(page.statusCode());
    assertThat(header(head, "Content-Length")).isEqualTo(header(page, "Content-Length"));
  }

  @Test
  void theRegistryIsStillThere() throws Exception {
    assertThat(get("/v2/").statusCode()).isEqualTo(200);
    assertThat(header(get("/nothing"), "Content-Type")).startsWith("application/json");
  }

  @Test
  void otherMethodsAreRefused() throws Exception {
    HttpResponse<String> answer = send(request("/builds/x").DELETE());
    assertThat(answer.statusCode()).isEqualTo(405);
    assertThat(header(answer, "Allow")).isEqualTo("GET, HEAD");
    assertThat(header(post("/"), "Allow")).isEqualTo("GET, HEAD");
    assertThat(header(send(request("/builds").DELETE()), "Allow")).isEqualTo("GET, HEAD, POST");
  }

  // The front page

  @Test
  void whatWasTypedBecomesACommand() throws Exception {
    catalogue.previews.put("arm64/shell/git/jq:v1", new Preview.Built(details()));
    String page = get("/?packages=+Git%2C+shell%0Ajq&tag=v1&arch=arm64").body();
    assertThat(page)
        .contains("docker pull 127.0.0.1:" + server.port() + "/arm64/shell/git/jq:v1")
        .contains("Ready: 2 layers, 2.0 MB to download")
        .contains("href=\"/images/arm64/shell/git/jq?tag=v1\"")
        .contains("value=\"Git, shell\njq\"");
  }

  @Test
  void packagesAreLookedUp() throws Exception {
    TreeMap<String, Resolved> packages = new TreeMap<>();
    packages.put("git", found("git"));
    packages.put("cacert", found("cacert"));
    packages.put("helo", new Resolved.Unknown(List.of("hello", "help", SCRIPT)));
    packages.put("afunction", new Resolved.NotAPackage("a function"));
    packages.put("broken", new Resolved.Broken("unfree " + SCRIPT));
    catalogue.previews.put("git/helo/afunction/broken:latest", new Preview.NotBuilt(packages));
    String page = get("/?packages=git+helo+afunction+broken").body();
    assertThat(page)
        .contains("<b>git</b> git-1.0", "is a function, not a package", "unfree " + SHOWN, SHOWN)
        .contains("href=\"/?packages=git+hello+afunction+broken&amp;tag=latest&amp;arch=amd64\"")
        .doesNotContain("docker pull", "<script>", "cacert", "Build it now");
  }

  @Test
  void whatIsNotBuiltYetCanBeBuilt() throws Exception {
    TreeMap<String, Resolved> packages = new TreeMap<>();
    packages.put("git", found("git"));
    catalogue.previews.put("git:latest", new Preview.NotBuilt(packages));
    assertThat(get("/?packages=git").body())
        .contains("<form method=\"post\" action=\"/builds?image=git&amp;tag=latest\">");
    catalogue.previews.put("git:latest", new Preview.Busy());
    assertThat(get("/?packages=git").body()).contains("docker pull", "The server is busy");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"packages=%22%3E%3Cscript%3E", "packages=git&tag=%3Cscript%3E", "packages=%zz"})
  void whatIsNoNameIsShownAndExplained(String query) throws Exception {
    HttpResponse<String> page = get("/?" + query.replace("%zz", "a%00b"));
    assertThat(page.statusCode()).isEqualTo(400);
    assertThat(page.body())
        .contains("aria-invalid=\"true\"", "aria-describedby=\"problem hint\"")
        .doesNotContain("<script>");
  }

  @Test
  void aHostThatIsNoneIsNotRepeated() throws Exception {
    catalogue.previews.put("git:latest", new Preview.Built(details()));
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
      socket
          .getOutputStream()
          .write(
              "GET /?packages=git HTTP/1.1\r\nHost: a;rm$IFS-rf\r\nConnection: close\r\n\r\n"
                  .getBytes(StandardCharsets.US_ASCII));
      String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(answer).doesNotContain("IFS");
    }
  }

  // Images

  @Test
  void anImageShowsItsLayers() throws Exception {
    catalogue.images.put("shell/git:v1", details());
    HttpResponse<String> page = get("/images/shell/git?tag=v1");
    assertThat(page.statusCode()).isEqualTo(200);
    assertThat(page.body())
        .contains("2 layers, 2.0 MB to download, of which 2.0 MB are in other images")
        .contains("glibc-2.36", "12.0 MB", "jq:latest", "unknown");
  }

  @Test
  void anImageThatIsNotBuiltCanBeBuilt() throws Exception {
    HttpResponse<String> page = get("/images/shell/git");
    assertThat(page.statusCode()).isEqualTo(404);
    assertThat(page.body()).contains("action=\"/builds?image=shell%2Fgit&amp;tag=latest\"");
    assertThat(get("/images/A%3Cb%3E").statusCode()).isEqualTo(400);
  }

  // Starting builds

  @Test
  void aBuildIsStartedAndThenShown() throws Exception {
    catalogue.builds.put("shell/git:v1", new Started.Building("abc-1"));
    catalogue.builds.put("jq:latest", new Started.Ready());
    HttpResponse<String> answer = post("/builds?image=shell%2Fgit&tag=v1");
    assertThat(answer.statusCode()).isEqualTo(303);
    assertThat(header(answer, "Location")).isEqualTo("/builds/abc-1");
    assertThat(header(post("/builds?image=jq"), "Location")).isEqualTo("/images/jq?tag=latest");
    assertThat(post("/builds?image=shell%2Fgit&tag=v1", "Accept", "application/json").body())
        .isEqualTo("{\"page\":\"/builds/abc-1\",\"events\":\"/builds/abc-1/events?from=0\"}");
    assertThat(post("/builds?image=jq", "Accept", "application/json").body())
        .isEqualTo("{\"page\":\"/images/jq?tag=latest\"}");
    HttpResponse<String> failed = post("/builds?image=jq&tag=v9", "Accept", "application/json");
    assertThat(failed.statusCode()).isEqualTo(404);
    assertThat(failed.body()).isEqualTo("{\"message\":\"no <tag> 'v9'\"}");
    assertThat(post("/builds").statusCode()).isEqualTo(400);
  }

  @Test
  void otherSitesCannotStartBuilds() throws Exception {
    catalogue.builds.put("jq:latest", new Started.Ready());
    String path = "/builds?image=jq";
    String own = "http://127.0.0.1:" + server.port();
    assertThat(post(path, "Sec-Fetch-Site", "same-origin").statusCode()).isEqualTo(303);
    assertThat(post(path, "Sec-Fetch-Site", "none").statusCode()).isEqualTo(303);
    assertThat(post(path, "Origin", own).statusCode()).isEqualTo(303);
    for (String site : List.of("cross-site", "same-site", "")) {
      assertThat(post(path, "Sec-Fetch-Site", site, "Origin", own).statusCode()).isEqualTo(403);
    }
    for (String origin : List.of("null", "http://127.0.0.1", "https://evil.example", "http://[")) {
      assertThat(post(path, "Origin", origin).statusCode()).isEqualTo(403);
    }
  }

  // Builds

  @Test
  void buildsAndFailuresAreListed() throws Exception {
    assertThat(get("/builds").body()).contains("Nothing is being built", "Nothing has failed");
    begin("slow", build -> {});
    ended("git", build -> {});
    Build failed = failed("jq", SCRIPT + "\nand more");
    assertThat(get("/builds").body())
        .contains("slow:latest", "git:latest", "done in", "jq:latest", SHOWN)
        .contains("href=\"/builds/" + failed.id() + "\"")
        .doesNotContain("<script>", "and more");
    String page = get("/builds/" + failed.id()).body();
    assertThat(page)
        .contains(SHOWN + "\nand more", "Try again", SHOWN + "\n</pre>")
        .doesNotContain("<script>", "data-events", "http-equiv");
  }

  @Test
  void aPageOfABuildThatGoesOnFollowsIt() throws Exception {
    Build build =
        begin(
            "git",
            now -> {
              now.evaluated(3);
              now.line("one");
              now.packing(4);
              now.reused();
              now.packed(5_000_000);
            });
    assertThat(get("/builds/" + build.id()).body())
        .contains("data-events=\"/builds/" + build.id() + "/events?from=1\"")
        .contains("<noscript><meta http-equiv=\"refresh\" content=\"3\"></noscript>")
        .contains("3 packages", "2 of 4 layers, 1 packed (5.0 MB), 1 reused", ">one\n</pre>");
  }

  @Test
  void eventsTellWhatGoesOn() throws Exception {
    CountDownLatch goOn = new CountDownLatch(1);
    Build build = begin("git", now -> now.line("one"));
    List<String> lines = new ArrayList<>();
    try (Stream<String> body =
        client
            .send(
                request("/builds/" + build.id() + "/events").build(),
                HttpResponse.BodyHandlers.ofLines())
            .body()) {
      body.forEach(line -> {
        lines.add(line);
        if (line.equals("data: one")) {
          build.line("two\nthree");
          // Longer than a client may stall.
          Thread.ofVirtual()
              .start(() -> {
                try {
                  Thread.sleep(STALL.multipliedBy(2));
                } catch (InterruptedException e) {
                  throw new AssertionError(e);
                }
                end.countDown();
                goOn.countDown();
              });
        }
      });
    }
    goOn.await();
    assertThat(lines)
        .containsSubsequence(
            "event: log",
            "id: 1",
            "data: one",
            "event: state",
            "event: log",
            "id: 2",
            "data: two",
            "data: three",
            "event: state",
            "event: end",
            "data: done");
    assertThat(lines.stream().filter(line -> line.startsWith("data: {")))
        .allSatisfy(line -> assertThat(line).contains("\"image\":\"git\""));
  }

  @Test
  void whoeverComesBackGoesOnWhereItWas() throws Exception {
    Build build = ended("git", now -> List.of("first", "second", "third").forEach(now::line));
    HttpResponse<String> again =
        get("/builds/" + build.id() + "/events?from=0", "Last-Event-ID", "2");
    assertThat(header(again, "Content-Type")).isEqualTo("text/event-stream; charset=utf-8");
    assertThat(again.body())
        .contains("event: log\nid: 3\ndata: third\n\n", "event: end\ndata: done\n\n")
        .doesNotContain("first", "second");
    assertThat(get("/builds/" + build.id() + "/events?from=%3Cx").body()).contains("data: first");
  }

  /** As nginx asks, unless it is told otherwise: chunks are nothing for HTTP/1.0. */
  @Test
  void whoCannotReadAnswersWithoutALengthIsToldWhatThereIsNow() throws Exception {
    Build build = begin("git", now -> now.line("one"));
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
      socket.setSoTimeout(10_000);
      socket
          .getOutputStream()
          .write(
              ("GET /builds/" + build.id() + "/events HTTP/1.0\r\n\r\n")
                  .getBytes(StandardCharsets.US_ASCII));
      StringBuilder head = new StringBuilder();
      while (head.indexOf("\r\n\r\n") < 0) {
        head.append((char) socket.getInputStream().read());
      }
      assertThat(head.toString())
          .contains("text/event-stream", "Content-Length: ")
          .doesNotContain("Transfer-Encoding");
      String body = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(head.toString()).contains("Content-Length: " + body.length() + "\r\n");
      assertThat(body)
          .startsWith("retry: 2000\n\nevent: log\nid: 1\ndata: one\n\nevent: state\n")
          .endsWith("\n\n")
          .doesNotContain("event: end");
    }
  }

  @Test
  void whatIsNotKeptAnyMoreIsLeftOut() throws Exception {
    Build build =
        ended(
            "git",
            now -> {
              for (int i = 0; i < 3_000; i++) {
                now.line("line " + i);
              }
            });
    assertThat(get("/builds/" + build.id() + "/events").body())
        .contains("id: 3000\ndata: … 1000 lines left out …\ndata: line 1000\n");
    assertThat(get("/builds/" + build.id()).body()).contains(">… 1000 lines left out …\nline 1000");
  }

  @Test
  void aClientThatDoesNotReadIsCutOff() throws Exception {
    Build build = begin("git", now -> {});
    String line = "x".repeat(1_000);
    Thread noise =
        Thread.ofVirtual()
            .start(() -> {
              while (end.getCount() > 0) {
                build.line(line);
                Thread.onSpinWait();
              }
            });
    try (Socket socket = new Socket()) {
      socket.setReceiveBufferSize(4_096);
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port()));
      socket
          .getOutputStream()
          .write(
              ("GET /builds/" + build.id() + "/events HTTP/1.1\r\nHost: a\r\n\r\n")
                  .getBytes(StandardCharsets.US_ASCII));
      Thread.sleep(STALL.multipliedBy(4));
      assertThat(ending(socket.getInputStream())).doesNotContain("event: end");
    } finally {
      end.countDown();
      noise.join();
    }
  }

  /** Returns the end of what there is to read, until the server has closed. */
  private static String ending(InputStream in) {
    byte[] last = new byte[0];
    try {
      while (true) {
        byte[] some = in.readNBytes(1 << 16);
        if (some.length == 0) {
          break;
        }
        last = some;
      }
    } catch (IOException e) {
      // Cut off with a reset.
    }
    return new String(last, StandardCharsets.UTF_8);
  }

  @Test
  void onlySoManyLookOn() throws Exception {
    Build build = begin("git", now -> {});
    HttpRequest request = request("/builds/" + build.id() + "/events").build();
    List<InputStream> listeners = new ArrayList<>();
    for (int i = 0; i < EventStream.MAX_LISTENERS; i++) {
      HttpResponse<InputStream> answer =
          client.send(request, HttpResponse.BodyHandlers.ofInputStream());
      assertThat(answer.statusCode()).isEqualTo(200);
      listeners.add(answer.body());
    }
    HttpResponse<String> refused = get("/builds/" + build.id() + "/events");
    assertThat(refused.statusCode()).isEqualTo(503);
    assertThat(header(refused, "Retry-After")).isEqualTo("10");
    listeners.getFirst().close();
    while (client.send(request, HttpResponse.BodyHandlers.ofInputStream()).statusCode() != 200) {
      Thread.sleep(50); // until the server has noticed
    }
  }

  @Test
  void logsCanBeHidden() throws Exception {
    server.close();
    server = serve(new Pages(catalogue, builds, false));
    Build build = ended("git", now -> now.line("a line"));
    assertThat(get("/builds/" + build.id()).body()).doesNotContain("a line", "Log");
    assertThat(get("/builds/" + build.id() + "/events").body())
        .contains("event: end")
        .doesNotContain("event: log", "a line");
  }

  // Assets

  @Test
  void styleAndScriptAreKeptForever() throws Exception {
    for (Asset asset : List.of(Asset.STYLE, Asset.SCRIPT, Asset.ICON)) {
      HttpResponse<String> answer = get(asset.path());
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(answer.body().getBytes(StandardCharsets.UTF_8)).isEqualTo(asset.content());
      assertThat(header(answer, "Content-Type")).isEqualTo(asset.type());
      assertThat(header(answer, "Cache-Control")).contains("immutable");
      String tag = header(answer, "ETag");
      assertThat(get(asset.path(), "If-None-Match", tag).statusCode()).isEqualTo(304);
    }
  }
}

package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an operator sees of a server: metrics, health and logs. */
final class OperationsTests {

  private static final Pattern SAMPLE = Pattern.compile("([a-z_]+(?:\\{[^}]*})?) ([-+0-9.eE]+)");

  @TempDir Path folder;

  private static Map<String, Double> metrics(TestServer server) {
    HttpResponse<byte[]> response = server.get("/metrics");
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.headers().firstValue("Content-Type"))
        .contains("text/plain; version=0.0.4; charset=utf-8");
    Map<String, Double> samples = new TreeMap<>();
    Pull.text(response.body())
        .lines()
        .filter(line -> !line.startsWith("# "))
        .forEach(line -> {
          Matcher sample = SAMPLE.matcher(line);
          assertThat(sample.matches()).as(line).isTrue();
          samples.put(sample.group(1), Double.valueOf(sample.group(2)));
        });
    return samples;
  }

  @Test
  void metricsTellWhatPullsHaveCost() throws IOException {
    try (TestServer server = TestServer.start(folder, Map.of())) {
      server.pull("hello");
      double packed = metrics(server).get("nixery_layers_packed_total");
      assertThat(packed).isPositive();
      assertThat(metrics(server))
          .containsEntry("nixery_builds_total{code=\"\",outcome=\"ok\"}", 1.0)
          .containsEntry("nixery_builds_running", 0.0)
          .containsEntry("nixery_builds_waiting", 0.0)
          .containsEntry("nixery_cache_lookups_total{cache=\"outputs\",result=\"miss\"}", 1.0)
          .containsEntry("nixery_cache_lookups_total{cache=\"layer\",result=\"miss\"}", packed)
          .containsEntry("nixery_phase_duration_seconds_count{phase=\"pack\"}", packed);
      assertThat(metrics(server).get("nixery_layers_packed_bytes_total")).isGreaterThan(100_000);
      for (String phase :
          List.of("resolve_tag", "checkout", "evaluate", "realise", "closure", "plan", "store")) {
        assertThat(metrics(server))
            .as(phase)
            .hasEntrySatisfying(
                "nixery_phase_duration_seconds_count{phase=\"" + phase + "\"}",
                count -> assertThat(count).isPositive());
      }

      // The path source has no revisions, so this is evaluated, and nothing else.
      server.pull("hello");
      server.get("/v2/nosuchpackage/manifests/latest");
      Map<String, Double> after = metrics(server);
      assertThat(after)
          .containsEntry("nixery_builds_total{code=\"\",outcome=\"ok\"}", 2.0)
          .containsEntry("nixery_builds_total{code=\"PACKAGE_UNKNOWN\",outcome=\"user\"}", 1.0)
          .containsEntry("nixery_cache_lookups_total{cache=\"outputs\",result=\"hit\"}", 1.0)
          .containsEntry("nixery_layers_packed_total", packed)
          .containsEntry("nixery_phase_duration_seconds_count{phase=\"realise\"}", 1.0)
          .containsEntry("nixery_http_requests_total{route=\"manifest\",status=\"2xx\"}", 2.0)
          .containsEntry("nixery_http_requests_total{route=\"manifest\",status=\"4xx\"}", 1.0);
      assertThat(after.get("nixery_storage_call_duration_seconds_count{operation=\"put\"}"))
          .isGreaterThanOrEqualTo(packed);
      assertThat(String.join("\n", after.keySet())).doesNotContain("hello", "nosuchpackage");
    }
  }

  @Test
  void aServerWhoseStorageIsLostIsAliveButNotReady() throws IOException, InterruptedException {
    try (TestServer server = TestServer.start(folder, Map.of())) {
      HttpResponse<byte[]> ready = server.get("/health/ready");
      assertThat(Pull.text(ready.body()))
          .isEqualTo("{\"status\":\"ok\",\"checks\":{\"storage\":\"ok\",\"nix\":\"ok\"}}");
      assertThat(ready.statusCode()).isEqualTo(200);

      Path storage = folder.resolve("storage");
      Path away = folder.resolve("away");
      Files.move(storage, away);
      Files.createFile(storage);
      await(() -> server.get("/health/ready").statusCode() == 503);
      assertThat(Pull.text(server.get("/health/ready").body()))
          .isEqualTo(
              "{\"status\":\"unavailable\",\"checks\":"
                  + "{\"storage\":\"The storage cannot be used; the log says why.\",\"nix\":\"ok\"}}");
      assertThat(server.get("/health/live").statusCode()).isEqualTo(200);
      assertThat(String.join("\n", server.log()))
          .contains("not ready: The storage cannot be used")
          .contains("nixery.api.storage.StorageException");
      assertThat(server.get("/v2/hello/manifests/latest").statusCode()).isEqualTo(503);
      assertThat(metrics(server).get("nixery_storage_failures_total{operation=\"read_record\"}"))
          .isPositive();

      Files.delete(storage);
      Files.move(away, storage);
      await(() -> server.get("/health/ready").statusCode() == 200);
      server.pull("hello");
    }
  }

  private interface Condition {
    boolean holds() throws IOException;
  }

  private static void await(Condition condition) throws IOException, InterruptedException {
    long deadline = System.nanoTime() + Duration.ofMinutes(2).toNanos();
    while (!condition.holds()) {
      assertThat(System.nanoTime()).as("waited for too long").isLessThan(deadline);
      Thread.sleep(200);
    }
  }

  @Test
  void jsonLogsAreAnObjectOnEachLine() throws IOException {
    Map<String, String> variables = Map.of("NIXERY_LOG_FORMAT", "json", "NIXERY_DEBUG", "true");
    try (TestServer server = TestServer.start(folder, variables)) {
      HttpResponse<byte[]> answer =
          server.get("/v2/nosuchpackage/manifests/latest", "X-Request-Id", "pull-1");
      assertThat(answer.headers().firstValue("X-Request-Id")).contains("pull-1");
      server.get("/health/live");
      assertThat(server.log())
          .isNotEmpty()
          .allMatch(line ->
              line.matches(
                  "\\{\"timestamp\":\"[0-9T:.-]+Z\",\"level\":\"[A-Z]+\","
                      + "\"logger\":\"[A-Za-z0-9_.]+\",\"message\":\".*}"));
      assertThat(server.log())
          .filteredOn(
              line -> line.contains("\"request\":\"pull-1\"") && line.contains("registry.access"))
          .singleElement()
          .asString()
          .contains(
              "\"level\":\"INFO\"",
              "\"message\":\"GET /v2/nosuchpackage/manifests/latest 404\"",
              "\"path\":\"/v2/nosuchpackage/manifests/latest\"",
              "\"status\":404",
              "\"failure\":\"PACKAGE_UNKNOWN\"");
      assertThat(server.log())
          .filteredOn(line -> line.contains("/health/live"))
          .allMatch(line -> line.contains("\"level\":\"FINE\""));
    }
  }

  @Test
  void aWarningOfThePackageSourceIsLoggedAndCounted() throws IOException, InterruptedException {
    HttpServer host = channelHost();
    Map<String, String> variables =
        Map.of(
            "NIXERY_PKGS_PATH",
            "",
            "NIXERY_CHANNEL",
            "nixos-test",
            "NIXERY_CHANNEL_URL",
            "http://127.0.0.1:" + host.getAddress().getPort(),
            "NIXERY_CHANNEL_REFRESH",
            "1");
    try (TestServer server = TestServer.start(folder, variables)) {
      server.pull("hello");
      server.pull("hello");
      assertThat(metrics(server))
          .containsEntry("nixery_source_warnings_total", 0.0)
          .containsEntry("nixery_cache_lookups_total{cache=\"revision\",result=\"miss\"}", 1.0)
          .containsEntry("nixery_cache_lookups_total{cache=\"memory\",result=\"hit\"}", 1.0);

      host.stop(0);
      await(() -> {
        server.pull("hello");
        return metrics(server).get("nixery_source_warnings_total") > 0;
      });
      assertThat(server.log())
          .anyMatch(line ->
              line.contains(" WARNING nixery.server.build.KnownTags ")
                  && line.contains("nixos-test"));
    } finally {
      host.stop(0);
    }
  }

  /** Publishes the demo packages as channels are published: a redirect that tells the revision. */
  private HttpServer channelHost() throws IOException {
    Path release = Files.createDirectories(folder.resolve("release/nixos-test"));
    Files.writeString(
        release.resolve("default.nix"),
        "{ system ? builtins.currentSystem, ... }: import %s { inherit system; }"
            .formatted(TestServer.DEMO));
    Path tarball = folder.resolve("nixexprs.tar.xz");
    String parent = release.getParent().toString();
    Shell.run("tar", "-C", parent, "-cJf", tarball.toString(), "nixos-test");
    byte[] bytes = Files.readAllBytes(tarball);

    HttpServer host =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    String url = "http://127.0.0.1:%d/release.tar.xz".formatted(host.getAddress().getPort());
    host.createContext(
        "/nixos-test/nixexprs.tar.xz",
        exchange -> {
          String link = "<%s?rev=%s>; rel=\"immutable\"".formatted(url, "1".repeat(40));
          exchange.getResponseHeaders().add("Link", link);
          exchange.getResponseHeaders().add("Location", url);
          answer(exchange, 302, new byte[0]);
        });
    host.createContext("/release.tar.xz", exchange -> answer(exchange, 200, bytes));
    host.start();
    return host;
  }

  private static void answer(HttpExchange exchange, int status, byte[] body) throws IOException {
    try (exchange) {
      boolean head = exchange.getRequestMethod().equals("HEAD") || body.length == 0;
      exchange.sendResponseHeaders(status, head ? -1 : body.length);
      if (!head) {
        exchange.getResponseBody().write(body);
      }
    }
  }
}

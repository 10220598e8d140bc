package nixery.server.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import nixery.server.metrics.Metrics;
import nixery.server.metrics.Samples;
import nixery.server.registry.FakeImages;
import nixery.server.registry.RegistryConfig;
import nixery.server.registry.RegistryServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Metrics and health over HTTP, beside a registry. */
final class OperationsTests {

  private static final Duration LONG = Duration.ofHours(1);
  private static final Duration SHORT = Duration.ofNanos(1);

  private final HttpClient client = HttpClient.newHttpClient();
  private final Metrics metrics = new Metrics("test");
  private final AtomicInteger trials = new AtomicInteger();
  private volatile Probe.Trial storage = () -> {};
  private volatile Probe.Trial nix = () -> {};
  private final AtomicBoolean stopping = new AtomicBoolean();
  private RegistryServer server;

  @BeforeEach
  void start() {
    List<Probe> probes =
        List.of(
            new Probe("storage", "The storage cannot be used.", SHORT, () -> storage.run()),
            new Probe(
                "nix",
                "Nix cannot be run.",
                LONG,
                () -> {
                  trials.incrementAndGet();
                  nix.run();
                }));
    server =
        new RegistryServer(
                new FakeImages(),
                new RegistryConfig("127.0.0.1", 0),
                metrics,
                new Operations(metrics, probes, stopping::get),
                rules ->
                    rules.get(
                        "/broken",
                        (_, _) -> {
                          throw new IllegalStateException("/secret/path");
                        }))
            .start();
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  private HttpResponse<String> send(String method, String path, String... headers)
      throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path))
            .method(method, HttpRequest.BodyPublishers.noBody());
    if (headers.length > 0) {
      request.headers(headers);
    }
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private HttpResponse<String> get(String path, String... headers) throws Exception {
    return send("GET", path, headers);
  }

  private static String header(HttpResponse<?> response, String name) {
    return response.headers().firstValue(name).orElse("");
  }

  @Test
  void metricsAreText() throws Exception {
    get("/v2/");
    HttpResponse<String> response = get("/metrics");
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(header(response, "Content-Type"))
        .isEqualTo("text/plain; version=0.0.4; charset=utf-8");
    assertThat(Samples.parse(response.body()))
        .containsEntry("nixery_http_requests_total{route=\"base\",status=\"2xx\"}", 1.0)
        .containsEntry("nixery_http_request_duration_seconds_count{route=\"base\"}", 1.0);
  }

  @Test
  void metricsAreOpenMetricsForThoseWhoLikeThat() throws Exception {
    // What Prometheus 3 sends, with protobuf switched on.
    HttpResponse<String> response =
        get(
            "/metrics",
            "Accept",
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
                + "encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;q=0.4,"
                + "text/plain;version=0.0.4;q=0.2,*/*;q=0.1");
    assertThat(header(response, "Content-Type"))
        .startsWith("application/openmetrics-text; version=1.0.0");
    assertThat(response.body())
        .contains("# UNIT process_cpu_seconds seconds\n")
        .endsWith("# EOF\n");
    assertThat(header(get("/metrics", "Accept", "*/*"), "Content-Type")).startsWith("text/plain");
    assertThat(header(get("/metrics", "Accept", "image/png"), "Content-Type"))
        .startsWith("text/plain");
  }

  @Test
  void liveIsWhoeverAnswers() throws Exception {
    storage =
        () -> {
          throw new IllegalStateException();
        };
    HttpResponse<String> response = get("/health/live");
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.body()).isEqualTo("{\"status\":\"ok\"}");
    assertThat(header(response, "Cache-Control")).isEqualTo("no-store");
  }

  @Test
  void readyIsWhoCanUseWhatItNeeds() throws Exception {
    HttpResponse<String> response = get("/health/ready");
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.body())
        .isEqualTo("{\"status\":\"ok\",\"checks\":{\"storage\":\"ok\",\"nix\":\"ok\"}}");

    storage =
        () -> {
          throw new IllegalStateException("/secret/path");
        };
    response = get("/health/ready");
    assertThat(response.statusCode()).isEqualTo(503);
    assertThat(header(response, "Retry-After")).isEqualTo("10");
    assertThat(response.body())
        .isEqualTo(
            "{\"status\":\"unavailable\",\"checks\":"
                + "{\"storage\":\"The storage cannot be used.\",\"nix\":\"ok\"}}");

    storage = () -> {};
    assertThat(get("/health/ready").statusCode()).isEqualTo(200);
  }

  @Test
  void whoIsGoingToStopIsAliveButNotReady() throws Exception {
    stopping.set(true);
    HttpResponse<String> response = get("/health/ready");
    assertThat(response.statusCode()).isEqualTo(503);
    assertThat(response.body()).isEqualTo("{\"status\":\"stopping\"}");
    assertThat(header(response, "Retry-After")).isEqualTo("10");
    assertThat(get("/health/live").statusCode()).isEqualTo(200);
    assertThat(get("/v2/").statusCode()).isEqualTo(200);
  }

  @Test
  void whatIsDearIsTriedOnceInAWhile() throws Exception {
    for (int i = 0; i < 10; i++) {
      assertThat(get("/health/ready").statusCode()).isEqualTo(200);
    }
    assertThat(trials).hasValue(1);
  }

  @Test
  void whatHangsIsNotReadyAndNotTriedAgainMeanwhile() throws Exception {
    CountDownLatch hanging = new CountDownLatch(1);
    nix = hanging::await;
    assertThat(get("/health/ready").body())
        .contains("\"storage\":\"ok\"")
        .contains("\"nix\":\"Nix cannot be run.\"");
    assertThat(trials).hasValue(1);
    assertThat(get("/health/live").statusCode()).isEqualTo(200);
    hanging.countDown();
    assertThat(get("/health/ready").statusCode()).isEqualTo(200);
    assertThat(trials).hasValue(1);
  }

  @Test
  void answersHaveTheirRequestsId() throws Exception {
    assertThat(header(get("/v2/", "X-Request-Id", "a.B-1_2"), "X-Request-Id")).isEqualTo("a.B-1_2");
    assertThat(header(get("/health/live", "X-Request-Id", "<script>"), "X-Request-Id"))
        .matches("[0-9a-f-]{19}[0-9]+");
    assertThat(header(get("/v2/git/manifests/latest"), "X-Request-Id"))
        .matches("[0-9a-f-]{19}[0-9]+");
  }

  @Test
  void aServiceThatBreaksTellsNothingButTheIdToLookFor() throws Exception {
    HttpResponse<String> response = get("/broken", "X-Request-Id", "here");
    assertThat(response.statusCode()).isEqualTo(500);
    assertThat(response.body()).contains("under the id here").doesNotContain("secret");
  }

  @Test
  void headIsLikeGetAndNothingCanBeWritten() throws Exception {
    for (String path : List.of("/metrics", "/health/live", "/health/ready")) {
      HttpResponse<String> head = send("HEAD", path);
      assertThat(head.statusCode()).isEqualTo(200);
      assertThat(head.body()).isEmpty();
      assertThat(Integer.parseInt(header(head, "Content-Length"))).isPositive();
      HttpResponse<String> post = send("POST", path);
      assertThat(post.statusCode()).isEqualTo(405);
      assertThat(header(post, "Allow")).isEqualTo("GET, HEAD");
    }
  }
}

package nixery.server.registry;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import nixery.image.Digest;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import nixery.server.log.JsonFormatter;
import nixery.server.log.TextFormatter;
import nixery.server.metrics.Metrics;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class AccessLogTests {

  private static final JsonMapper JSON = new JsonMapper();

  private final FakeImages images = new FakeImages();
  private final Metrics metrics = new Metrics("test");

  /** Passes on what is logged, on the thread that logs. */
  private static final class Listener extends Handler {

    private final Consumer<LogRecord> consumer;

    Listener(Consumer<LogRecord> consumer) {
      this.consumer = consumer;
    }

    @Override
    public void publish(LogRecord line) {
      consumer.accept(line);
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }

  /** Answers requests, and passes on what is logged meanwhile. */
  private void serve(Consumer<LogRecord> consumer, String... requests) throws Exception {
    Handler handler = new Listener(consumer);
    Logger logger = Logger.getLogger("nixery.server.registry");
    logger.addHandler(handler);
    try (RegistryServer server =
        new RegistryServer(images, new RegistryConfig("127.0.0.1", 0), metrics).start()) {
      for (String request : requests) {
        request(server, request);
      }
    } finally {
      logger.removeHandler(handler);
    }
  }

  private static void request(RegistryServer server, String line) throws Exception {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
      String headers = "\r\nHost: x\r\nAuthorization: secret\r\nConnection: close\r\n\r\n";
      socket.getOutputStream().write((line + headers).getBytes(StandardCharsets.ISO_8859_1));
      assertThat(socket.getInputStream().readAllBytes()).isNotEmpty();
    }
  }

  @Test
  void writesOneHarmlessLinePerRequest() throws Exception {
    List<String> lines = new CopyOnWriteArrayList<>();
    serve(
        line -> lines.add(new TextFormatter().formatMessage(line)),
        "GET /v2/?token=secret HTTP/1.1",
        "GET /v2/a%0abc%22/manifests/latest HTTP/1.1",
        "GET /v2/git/manifests/latest HTTP/1.1",
        "GET /v2/" + "x".repeat(5000) + " HTTP/1.1",
        "G\u001b\"T /v2/ HTTP/1.1");
    assertThat(lines).hasSizeBetween(4, 5).allMatch(line -> line.matches("[ -~]{1,1400}"));
    assertThat(String.join("", lines)).doesNotContain("secret");
    assertThat(lines.get(0))
        .matches("method=GET path=\"/v2/\" status=200 bytes=\\d+ ms=\\d+ remote=127\\.0\\.0\\.1");
    assertThat(lines.get(1)).contains("path=\"/v2/a%0abc%22/manifests/latest\" status=400");
    assertThat(lines.get(2)).endsWith(" failure=PACKAGE_UNKNOWN");
  }

  @Test
  void countsWhatWasReallySentToAClientThatWentAway(@TempDir Path folder) throws Exception {
    long length = 256L << 20;
    Path file = folder.resolve("blob");
    try (RandomAccessFile access = new RandomAccessFile(file.toFile(), "rw")) {
      access.setLength(length);
    }
    Digest digest = Digest.of(new byte[] {1});
    images.addFile(digest, file, length);
    BlockingQueue<String> lines = new LinkedBlockingQueue<>();
    Handler handler = new Listener(line -> lines.add(new TextFormatter().formatMessage(line)));
    Logger logger = Logger.getLogger("nixery.server.registry");
    logger.addHandler(handler);
    try (RegistryServer server =
        new RegistryServer(images, new RegistryConfig("127.0.0.1", 0), metrics).start()) {
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
        String request = "GET /v2/git/blobs/" + digest + " HTTP/1.1\r\nHost: x\r\n\r\n";
        socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
        assertThat(socket.getInputStream().readNBytes(1 << 20)).hasSize(1 << 20);
      }
      String line = lines.poll(60, TimeUnit.SECONDS);
      assertThat(line).contains(" status=200 bytes=");
      assertThat(Long.parseLong(line.replaceAll(".* bytes=(\\d+) .*", "$1")))
          .isBetween(1L << 19, length - 1);
    } finally {
      logger.removeHandler(handler);
    }
  }

  @Test
  void aFailureIsLoggedWithTheIdThatTheClientGaveItsRequest() throws Exception {
    images.onImage((name, tag) -> {
      throw new Failure(
          FailureCode.STORAGE_UNAVAILABLE, "no storage", new IOException("disk full"));
    });
    List<JsonNode> lines = new CopyOnWriteArrayList<>();
    serve(
        line -> lines.add(JSON.readTree(new JsonFormatter().format(line))),
        "GET /v2/git/manifests/latest HTTP/1.1\r\nX-Request-Id: pull-17");
    assertThat(lines)
        .hasSize(2)
        .allSatisfy(line -> assertThat(line.get("request").asString()).isEqualTo("pull-17"));
    assertThat(lines.get(0).get("exception").asString())
        .contains("no storage")
        .contains("Caused by: java.io.IOException: disk full\n");
    JsonNode access = lines.get(1);
    assertThat(access.get("message").asString()).isEqualTo("GET /v2/git/manifests/latest 503");
    assertThat(access.get("path").asString()).isEqualTo("/v2/git/manifests/latest");
    assertThat(access.get("status").asInt()).isEqualTo(503);
    assertThat(access.get("failure").asString()).isEqualTo("STORAGE_UNAVAILABLE");
    assertThat(access.has("exception")).isFalse();
  }

  @Test
  void idsThatAreNoneAreReplaced() throws Exception {
    List<String> ids = new CopyOnWriteArrayList<>();
    serve(
        line -> ids.add(JSON.readTree(new JsonFormatter().format(line)).get("request").asString()),
        "GET /v2/ HTTP/1.1",
        "GET /v2/ HTTP/1.1\r\nX-Request-Id: two words",
        "GET /v2/ HTTP/1.1\r\nX-Request-Id: " + "x".repeat(65));
    assertThat(ids)
        .hasSize(3)
        .doesNotHaveDuplicates()
        .allMatch(id -> id.matches("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9]+"));
  }

  @Test
  void countsRequestsByRouteAndStatus() throws Exception {
    serve(
        line -> {},
        "GET /v2/ HTTP/1.1",
        "GET /v2/git/manifests/latest HTTP/1.1",
        "PUT /v2/git/manifests/latest HTTP/1.1",
        "GET /v2/git/tags/list HTTP/1.1",
        "GET /nowhere HTTP/1.1",
        "GET /" + "x".repeat(10_000) + " HTTP/1.1");
    assertThat(metrics.expose(Optional.empty()).text().lines())
        .filteredOn(line -> line.startsWith("nixery_http_requests_total"))
        .containsExactlyInAnyOrder(
            "nixery_http_requests_total{route=\"base\",status=\"2xx\"} 1.0",
            "nixery_http_requests_total{route=\"manifest\",status=\"4xx\"} 1.0",
            "nixery_http_requests_total{route=\"tags\",status=\"2xx\"} 1.0",
            "nixery_http_requests_total{route=\"other\",status=\"4xx\"} 2.0",
            "nixery_http_requests_total{route=\"malformed\",status=\"4xx\"} 1.0");
  }
}

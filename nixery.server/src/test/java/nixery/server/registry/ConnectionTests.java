package nixery.server.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.helidon.webserver.http.HttpService;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import nixery.api.storage.StorageException;
import nixery.image.Digest;
import nixery.server.build.Image;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import nixery.server.metrics.Metrics;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What goes over the wire beside well-formed requests of patient clients. */
final class ConnectionTests {

  private static final int GUARD_MILLIS = 30_000;

  private final FakeImages images = new FakeImages();
  private RegistryServer server;

  @TempDir Path folder;

  @BeforeEach
  void start() {
    server =
        new RegistryServer(
                images,
                new RegistryConfig(
                    "127.0.0.1", 0, Duration.ZERO, Duration.ofMillis(500), 2000, 1000),
                new Metrics("test"))
            .start();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "Host: x\r\n", "hOST: x\r\nConnection: keep-alive\r\n"})
  void speaksHttp10(String headers) throws Exception {
    try (Socket socket = connect()) {
      // In two pieces, as a slow network might do.
      write(socket, "GET /v2/ HTT");
      write(socket, "P/1.0\r\n" + headers + "\r\n");
      String response = readAll(socket);
      assertThat(response).startsWith("HTTP/1.1 200 OK\r\n").endsWith("\r\n\r\n{}");
      assertThat(response).contains("\r\nConnection: close\r\n");
    }
  }

  @Test
  void keepsConnectionsAndAnswersPipelinedRequestsInOrder() throws Exception {
    byte[] content = "content".getBytes(StandardCharsets.UTF_8);
    Digest digest = images.addFile(folder.resolve("blob"), content);
    try (Socket socket = connect()) {
      write(
          socket,
          "HEAD /v2/git/blobs/"
              + digest
              + " HTTP/1.1\r\nHost: x\r\n\r\n"
              + "GET /v2/git/manifests/* HTTP/1.1\r\nHost: x\r\n\r\n"
              + "GET /v2/git/blobs/"
              + digest
              + " HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\n\r\n"
              + "GET /v2/git/blobs/"
              + digest
              + " HTTP/1.1\r\nHost: x\r\n\r\n");
      write(socket, "GET /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      String response = readAll(socket);
      assertThat(response.split("HTTP/1.1 ", -1)).hasSize(6);
      assertThat(response)
          .containsSubsequence(
              "200",
              "Content-Length: 7",
              "400",
              "}]}HTTP/1.1 304",
              "\r\n\r\nHTTP/1.1 200",
              "\r\n\r\ncontentHTTP/1.1 200");
      assertThat(response).endsWith("{}");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"/v2", "/%76%32", "/v%32", "http://x/v2"})
  void aBuildMayTakeLongHoweverItsPathIsWritten(String base) throws Exception {
    Image image = images.addImage("slow");
    images.onImage((_, _) -> {
      try {
        Thread.sleep(1000); // longer than a client may stall
      } catch (InterruptedException e) {
        throw new Failure(FailureCode.INTERRUPTED, "taken for a client that stalls", e);
      }
      return image;
    });
    try (Socket socket = connect()) {
      write(
          socket,
          "GET " + base + "/git/manifests/latest HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      assertThat(readAll(socket)).startsWith("HTTP/1.1 200 OK\r\n");
    }
  }

  @Test
  void refusesWhatIsNotHttp() throws Exception {
    for (String request :
        List.of(
            "\r\n\r\n",
            "nonsense\r\n\r\n",
            "GET\r\n\r\n",
            "GET /v2/\r\n\r\n",
            "GET /v2/ HTTP/3.7\r\nHost: x\r\n\r\n",
            "GET /v2/ HTTP/1.1\r\n\r\n",
            "GET /v2/ HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
            "GET /v2/ HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
            "GET /v2/ HTTP/1.1\r\nHost: x\r\nX: " + "x".repeat(100_000) + "\r\n\r\n",
            "GET /v2/%zz HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /v2/%0 HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /v2/?%zz HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /v2/a|b/tags/list HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
            "GET /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")) {
      try (Socket socket = connect()) {
        write(socket, request);
        String response = readAll(socket);
        assertThat(response).as(request).startsWith("HTTP/1.1 400 ");
        assertThat(response).contains("Content-Type: application/json", "{\"errors\":[{\"code\":");
      }
    }
    try (Socket socket = connect()) {
      write(socket, "GET /v2/" + "a".repeat(100_000) + "/tags/list HTTP/1.1\r\nHost: x\r\n\r\n");
      assertThat(readAll(socket)).startsWith("HTTP/1.1 414 ").contains("{\"errors\":[{");
    }
    assertThat(images.calls).hasValue(0);
    assertServes();
  }

  @Test
  void refusesTraversal() throws Exception {
    for (String path :
        List.of(
            "/v2/../../../etc/passwd",
            "/v2/%2e%2e/%2e%2e/etc/passwd",
            "/v2/..%2f..%2fetc%2fpasswd",
            "/v2/git/blobs/../../../../etc/passwd",
            "/v2/git/blobs/sha256:..%2f..%2fetc%2fpasswd",
            "/v2/git/manifests/..%2f..%2fetc%2fpasswd",
            "/v2/%252e%252e/manifests/latest",
            "//v2//../etc/passwd",
            "/v2/git/manifests/../../../x")) {
      try (Socket socket = connect()) {
        write(socket, "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assertThat(readAll(socket)).as(path).matches("(?s)HTTP/1.1 40[04] .*\"errors\".*");
      }
    }
    assertThat(images.calls).hasValue(0);
  }

  /** A proxy that lets only the registry through may not know what Helidon makes of a path. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "/v2/../builds",
        "/v2/../?packages=git",
        "/v2/..",
        "/v2/./../builds",
        "/v2/git/../../builds",
        "/v2/%2e%2E/builds",
        "/v2/.%2e/builds",
        "/v2/..%2fbuilds",
        "/v2/..;x=y/builds",
        "//builds",
        "/v2//../../builds",
        "http://x/v2/../builds"
      })
  void resolvesNoPathsForServices(String path) throws Exception {
    HttpService service =
        rules ->
            rules
                .any("/", (_, response) -> response.send("a page"))
                .any("/builds", (_, response) -> response.send("a page"));
    server.close();
    server =
        new RegistryServer(
                images,
                new RegistryConfig(
                    "127.0.0.1", 0, Duration.ZERO, Duration.ofMillis(500), 2000, 1000),
                new Metrics("test"),
                service)
            .start();
    assertThat(request("/builds")).startsWith("HTTP/1.1 200 ").endsWith("a page");
    assertThat(request(path)).startsWith("HTTP/1.1 404 ").contains("{\"errors\":[{\"code\":");
  }

  private String request(String path) throws IOException {
    try (Socket socket = connect()) {
      write(socket, "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      return readAll(socket);
    }
  }

  @Test
  void takesTheAbsoluteFormOfAnAddress() throws Exception {
    try (Socket socket = connect()) {
      write(socket, "GET http://x:1/v2/ HTTP/1.1\r\nHost: x:1\r\nConnection: close\r\n\r\n");
      assertThat(readAll(socket)).startsWith("HTTP/1.1 200 ");
    }
  }

  @Test
  void doesNotReadBodies() throws Exception {
    try (Socket socket = connect()) {
      write(
          socket,
          "POST /v2/git/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n");
      assertThat(readAll(socket)).startsWith("HTTP/1.1 405 ").contains("\r\nConnection: close\r\n");
    }
    try (Socket socket = connect()) {
      write(
          socket,
          String.join(
              "\r\n",
              "PUT /v2/git/manifests/x HTTP/1.1",
              "Host: x",
              "Expect: 100-continue",
              "Transfer-Encoding: chunked",
              "",
              ""));
      assertThat(readAll(socket)).startsWith("HTTP/1.1 405 ").contains("\r\nConnection: close\r\n");
    }
  }

  @Test
  void survivesTlsHandshakes() throws Exception {
    for (int i = 0; i < 5; i++) {
      try (Socket plain = connect();
          SSLSocket socket =
              (SSLSocket)
                  ((SSLSocketFactory) SSLSocketFactory.getDefault())
                      .createSocket(plain, "localhost", server.port(), true)) {
        socket.setSoTimeout(GUARD_MILLIS);
        assertThatThrownBy(socket::startHandshake)
            .isInstanceOf(SSLException.class)
            .hasMessageContaining("SSL message");
      }
    }
    assertServes();
  }

  @Test
  void cutsOffClientsThatDoNotFinishTheirHeaders() throws Exception {
    try (Socket socket = connect()) {
      write(socket, "GET /v2/ HTTP/1.1\r\nHost: x\r\nX: ");
      assertThat(readAll(socket)).doesNotContain("200");
    }
    assertServes();
  }

  @Test
  void cutsOffClientsThatDoNotRead() throws Exception {
    long length = 1L << 30;
    Digest digest = Digest.of(new byte[0]);
    images.addStream(digest, length, offset -> new Zeros());
    try (Socket socket = connect()) {
      write(socket, "GET /v2/git/blobs/" + digest + " HTTP/1.1\r\nHost: x\r\n\r\n");
      assertThat(socket.getInputStream().read()).isEqualTo('H');
      awaitClosedStreams();
      assertThat(countUntilEnd(socket.getInputStream())).isLessThan(length);
    }
    assertServes();
  }

  @Test
  void waitsForBuildsLongerThanForClients() throws Exception {
    images.onImage((name, tag) -> {
      try {
        Thread.sleep(2_000);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
      return images.addImage("slow");
    });
    assertThat(status("/v2/git/manifests/latest")).isEqualTo(200);
  }

  @Test
  void breaksTheConnectionWhereABlobBreaksOff() throws Exception {
    byte[] half = new byte[400_000];
    List<FakeImages.Opener> openers =
        List.of(
            offset -> new ByteArrayInputStream(half),
            offset -> new ByteArrayInputStream(new byte[0]),
            offset ->
                new SequenceInputStream(
                    new ByteArrayInputStream(half), new Failing(new IOException("broken"))),
            offset ->
                new SequenceInputStream(
                    new ByteArrayInputStream(half), new Failing(new StorageException("broken"))),
            offset -> new Failing(new StorageException("broken")));
    for (FakeImages.Opener opener : openers) {
      Digest digest = Digest.of(new byte[0]);
      images.addStream(digest, 800_000, opener);
      assertThatThrownBy(() -> status("/v2/git/blobs/" + digest)).isInstanceOf(IOException.class);
      awaitClosedStreams();
    }
    assertServes();
  }

  @Test
  void closesStreamsOfClientsThatLeave() throws Exception {
    Digest digest = Digest.of(new byte[0]);
    images.addStream(digest, 1L << 40, offset -> new Zeros());
    for (int i = 0; i < 20; i++) {
      try (Socket socket = connect()) {
        write(socket, "GET /v2/git/blobs/" + digest + " HTTP/1.1\r\nHost: x\r\n\r\n");
        assertThat(socket.getInputStream().readNBytes(1000)).hasSize(1000);
      }
    }
    awaitClosedStreams();
    assertServes();
  }

  @Test
  void servesManyAtOnce() throws Exception {
    byte[] content = new byte[3_000_000];
    new Random(1).nextBytes(content);
    Digest file = images.addFile(folder.resolve("blob"), content);
    Digest stream =
        images.addBytes(
            Digest.of(content).toString().repeat(1000).getBytes(StandardCharsets.UTF_8));
    try (HttpClient client = HttpClient.newHttpClient();
        ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Digest>> digests = new ArrayList<>();
      for (int i = 0; i < 128; i++) {
        Digest digest = i % 2 == 0 ? file : stream;
        digests.add(
            executor.submit(() -> Digest.of(get(client, "/v2/git/blobs/" + digest).body())));
      }
      for (int i = 0; i < digests.size(); i++) {
        assertThat(digests.get(i).get()).isEqualTo(i % 2 == 0 ? file : stream);
      }
    }
    awaitClosedStreams();
  }

  private void awaitClosedStreams() throws InterruptedException {
    long deadline = System.nanoTime() + GUARD_MILLIS * 1_000_000L;
    while (images.openStreams.get() > 0) {
      assertThat(System.nanoTime()).isLessThan(deadline);
      Thread.sleep(10);
    }
  }

  private void assertServes() throws Exception {
    assertThat(status("/v2/")).isEqualTo(200);
  }

  private int status(String path) throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      return get(client, path).statusCode();
    }
  }

  private HttpResponse<byte[]> get(HttpClient client, String path)
      throws IOException, InterruptedException {
    URI uri = URI.create("http://127.0.0.1:" + server.port() + path);
    return client.send(
        HttpRequest.newBuilder(uri).timeout(Duration.ofMillis(GUARD_MILLIS)).build(),
        HttpResponse.BodyHandlers.ofByteArray());
  }

  private Socket connect() throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
    socket.setSoTimeout(GUARD_MILLIS);
    return socket;
  }

  /** A server that has refused already may not take the rest. */
  private static void write(Socket socket, String text) {
    try {
      socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
      socket.getOutputStream().flush();
    } catch (IOException e) {
      assertThat(e).hasMessageMatching("(?i).*(broken pipe|connection reset).*");
    }
  }

  private static String readAll(Socket socket) throws IOException {
    StringBuilder text = new StringBuilder();
    byte[] buffer = new byte[8192];
    try {
      for (int n = socket.getInputStream().read(buffer);
          n >= 0;
          n = socket.getInputStream().read(buffer)) {
        text.append(new String(buffer, 0, n, StandardCharsets.ISO_8859_1));
      }
    } catch (java.net.SocketException e) {
      assertThat(e).hasMessageContaining("reset");
    }
    return text.toString();
  }

  private static long countUntilEnd(InputStream stream) throws IOException {
    try {
      return stream.skip(Long.MAX_VALUE);
    } catch (java.net.SocketException e) {
      return 0;
    }
  }

  private static final class Zeros extends InputStream {
    @Override
    public int read() {
      return 0;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) {
      return length;
    }
  }

  private static final class Failing extends InputStream {
    private final Exception exception;

    Failing(Exception exception) {
      this.exception = exception;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      return read();
    }

    @Override
    public int read() throws IOException {
      if (exception instanceof IOException e) {
        throw e;
      }
      throw (RuntimeException) exception;
    }
  }
}

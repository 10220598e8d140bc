package nixery.server.registry;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import nixery.image.Digest;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A blob of 500 MB, served by a process that has far less memory. */
final class LargeBlobTests {

  private static final long LENGTH = 500_000_000;
  private static final Duration GUARD = Duration.ofMinutes(2);

  private static Digest digest;
  private static Process process;
  private static int port;

  @TempDir static Path folder;

  @BeforeAll
  static void start() throws Exception {
    Path file = folder.resolve("blob");
    byte[] mark = new byte[1000];
    try (RandomAccessFile access = new RandomAccessFile(file.toFile(), "rw")) {
      access.setLength(LENGTH);
      for (long at = 0; at < LENGTH - mark.length; at += 10_000_019) {
        new Random(at).nextBytes(mark);
        access.seek(at);
        access.write(mark);
      }
    }
    try (InputStream stream = Files.newInputStream(file)) {
      digest = digest(stream);
    }
    process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx48m",
                "-XX:MaxDirectMemorySize=16m",
                "-XX:+ExitOnOutOfMemoryError",
                "-cp",
                System.getProperty("java.class.path"),
                ServeFiles.class.getName(),
                digest.toString(),
                file.toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    port = Integer.parseInt(process.inputReader(StandardCharsets.UTF_8).readLine());
  }

  @AfterAll
  static void stop() throws Exception {
    process.getOutputStream().close();
    assertThat(process.waitFor(GUARD)).isTrue();
    assertThat(process.exitValue()).isZero();
  }

  @Test
  void arriveWhole() throws Exception {
    try (HttpClient client = HttpClient.newHttpClient();
        ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Digest>> digests = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        digests.add(executor.submit(() -> download(client)));
      }
      for (Future<Digest> received : digests) {
        assertThat(received.get()).isEqualTo(digest);
      }
    }
  }

  @Test
  void doNotLetSlowOrVanishingReadersHoldUpOthers() throws Exception {
    long before = descriptors();
    List<Socket> sockets = new ArrayList<>();
    try {
      for (int i = 0; i < 200; i++) {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
        sockets.add(socket);
        socket
            .getOutputStream()
            .write(
                ("GET /v2/git/blobs/" + digest + " HTTP/1.1\r\nHost: x\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
        assertThat(socket.getInputStream().read()).isEqualTo('H');
      }
      // All 200 have their file open and are stuck in the middle.
      assertThat(descriptors()).isGreaterThanOrEqualTo(400);
      try (HttpClient client = HttpClient.newHttpClient()) {
        assertThat(download(client)).isEqualTo(digest);
      }
    } finally {
      for (Socket socket : sockets) {
        socket.close();
      }
    }
    long deadline = System.nanoTime() + GUARD.toNanos();
    while (descriptors() > before + 1) {
      assertThat(System.nanoTime()).isLessThan(deadline);
      Thread.sleep(20);
    }
  }

  private static Digest download(HttpClient client) throws Exception {
    URI uri = URI.create("http://127.0.0.1:" + port + "/v2/git/blobs/" + digest);
    HttpResponse<InputStream> response =
        client.send(
            HttpRequest.newBuilder(uri).timeout(GUARD).build(),
            HttpResponse.BodyHandlers.ofInputStream());
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.headers().firstValueAsLong("Content-Length")).hasValue(LENGTH);
    try (InputStream body = response.body()) {
      return digest(body);
    }
  }

  private static Digest digest(InputStream stream) throws IOException {
    MessageDigest sha256 = Digest.sha256();
    byte[] buffer = new byte[1 << 18];
    for (int n = stream.read(buffer); n >= 0; n = stream.read(buffer)) {
      sha256.update(buffer, 0, n);
    }
    return Digest.of(sha256);
  }

  private static long descriptors() throws IOException {
    try (Stream<Path> entries = Files.list(Path.of("/proc/" + process.pid() + "/fd"))) {
      return entries.count();
    }
  }
}

package nixery.server.registry;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;

final class AccessLogTests {

  @Test
  void writesOneHarmlessLinePerRequest() throws Exception {
    List<String> lines = new CopyOnWriteArrayList<>();
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord line) {
            lines.add(line.getMessage());
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    Logger logger = Logger.getLogger("nixery.server.registry.access");
    logger.addHandler(handler);
    try (RegistryServer server =
        RegistryServer.start(new FakeImages(), new RegistryConfig("127.0.0.1", 0))) {
      request(server, "GET /v2/?token=secret");
      request(server, "GET /v2/a%0abc%22/manifests/latest");
      request(server, "GET /v2/git/manifests/latest");
      request(server, "GET /v2/" + "x".repeat(5000));
      request(server, "G\u001b\"T /v2/");
    } finally {
      logger.removeHandler(handler);
    }
    assertThat(lines).hasSizeBetween(4, 5).allMatch(line -> line.matches("[ -~]{1,1400}"));
    assertThat(String.join("", lines)).doesNotContain("secret");
    assertThat(lines.get(0))
        .matches("method=GET path=\"/v2/\" status=200 bytes=\\d+ ms=\\d+ remote=127\\.0\\.0\\.1");
    assertThat(lines.get(1)).contains("path=\"/v2/a%0abc%22/manifests/latest\" status=400");
    assertThat(lines.get(2)).endsWith(" failure=PACKAGE_UNKNOWN");
  }

  private static void request(RegistryServer server, String line) throws Exception {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
      socket
          .getOutputStream()
          .write(
              (line + " HTTP/1.1\r\nHost: x\r\nAuthorization: secret\r\nConnection: close\r\n\r\n")
                  .getBytes(StandardCharsets.ISO_8859_1));
      assertThat(socket.getInputStream().readAllBytes()).isNotEmpty();
    }
  }
}

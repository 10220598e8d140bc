package nixery.server.watch;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Against a server that answers each connection with what a test says, and closes it. */
@Timeout(60)
final class WatchCommandTests {

  private static final String STARTED = ok("{\"events\": \"/events\"}");
  private static final String NONSENSE = "nonsense\r\n\r\n";

  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final List<String> lastIds = new CopyOnWriteArrayList<>();

  private static String ok(String body) {
    return "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body;
  }

  private int watch(String... answers) throws Exception {
    try (ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      Thread thread =
          Thread.ofVirtual()
              .start(() -> {
                for (String answer : answers) {
                  answer(server, answer);
                }
              });
      WatchOptions options =
          WatchOptions.parse(List.of("git", "--server=http://127.0.0.1:" + server.getLocalPort()));
      PrintStream out = new PrintStream(err, true, StandardCharsets.UTF_8);
      int status = new WatchCommand(options, out, out, Duration.ofMillis(1)).run();
      thread.join();
      return status;
    }
  }

  private void answer(ServerSocket server, String answer) {
    try (Socket socket = server.accept()) {
      BufferedReader request =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
      for (String line = request.readLine(); !line.isEmpty(); line = request.readLine()) {
        if (line.startsWith("Last-Event-ID: ")) {
          lastIds.add(line.substring("Last-Event-ID: ".length()));
        }
      }
      socket.getOutputStream().write(answer.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void goesOnAsLongAsEventsCome() throws Exception {
    String event = "id: 7\nevent: state\ndata: {\"title\": \"Build\"}\n\n";
    String failed = "{\"outcome\": \"failed\", \"message\": \"no\\u001b[2J git\"}";
    int status =
        watch(
            STARTED,
            NONSENSE,
            NONSENSE,
            NONSENSE,
            ok(event),
            NONSENSE,
            NONSENSE,
            NONSENSE,
            ok("event: state\ndata: " + failed + "\n\nevent: end\ndata:\n\n"));
    assertThat(err.toString(StandardCharsets.UTF_8)).endsWith("nixery: no[2J git\n");
    assertThat(status).isEqualTo(1);
    assertThat(lastIds).containsExactly("7", "7", "7", "7");
  }

  @Test
  void givesUpWhenNothingComes() throws Exception {
    assertThat(watch(STARTED, NONSENSE, NONSENSE, NONSENSE, NONSENSE, NONSENSE)).isEqualTo(2);
    assertThat(err.toString(StandardCharsets.UTF_8)).contains("cannot be asked").hasLineCount(1);
  }

  @Test
  void saysThatItDoesNotUnderstand() throws Exception {
    assertThat(watch(STARTED, ok("event: state\ndata: {no\n\n"))).isEqualTo(2);
    assertThat(err.toString(StandardCharsets.UTF_8))
        .contains("does not tell how the build goes")
        .hasLineCount(1);
  }
}

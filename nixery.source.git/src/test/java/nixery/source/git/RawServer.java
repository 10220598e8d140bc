package nixery.source.git;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** A server that does one thing with each connection, right or wrong. */
final class RawServer implements AutoCloseable {

  /** What is done with a connection. */
  @FunctionalInterface
  interface Handler {
    void handle(Socket connection) throws IOException, InterruptedException;
  }

  private final ServerSocket socket;
  private final Queue<Thread> threads = new ConcurrentLinkedQueue<>();
  private final Queue<String> requests = new ConcurrentLinkedQueue<>();

  RawServer(Handler handler) throws IOException {
    socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    threads.add(Thread.ofVirtual().start(() -> accept(handler)));
  }

  /** Gives the same answer to each http request. */
  static RawServer answering(String answer) throws IOException {
    RawServer[] server = new RawServer[1];
    server[0] =
        new RawServer(connection -> {
          BufferedReader in =
              new BufferedReader(
                  new InputStreamReader(connection.getInputStream(), StandardCharsets.UTF_8));
          StringBuilder request = new StringBuilder();
          for (String line = in.readLine(); line != null; line = in.readLine()) {
            request.append(line).append('\n');
            if (line.isEmpty()) {
              server[0].requests.add(request.toString());
              request.setLength(0);
              connection.getOutputStream().write(answer.getBytes(StandardCharsets.UTF_8));
            }
          }
        });
    return server[0];
  }

  private void accept(Handler handler) {
    while (!socket.isClosed()) {
      try {
        Socket connection = socket.accept();
        threads.add(
            Thread.ofVirtual()
                .start(() -> {
                  try (connection) {
                    handler.handle(connection);
                  } catch (IOException e) {
                    // The client went away.
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                }));
      } catch (IOException e) {
        return; // It was closed.
      }
    }
  }

  int port() {
    return socket.getLocalPort();
  }

  List<String> requests() {
    return List.copyOf(requests);
  }

  @Override
  public void close() throws IOException {
    socket.close();
    threads.forEach(Thread::interrupt);
  }
}

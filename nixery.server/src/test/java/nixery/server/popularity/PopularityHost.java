package nixery.server.popularity;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A web server that publishes popularity data with an ETag, and can be told to misbehave. */
final class PopularityHost implements AutoCloseable {

  /** Answers a request. */
  @FunctionalInterface
  interface Answer {
    void to(HttpExchange exchange) throws IOException;
  }

  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final List<Integer> statuses = new ArrayList<>();
  private volatile Answer answer = exchange -> exchange.sendResponseHeaders(404, -1);

  PopularityHost() {
    this(0);
  }

  PopularityHost(int port) {
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    server.setExecutor(threads);
    server.createContext(
        "/",
        exchange -> {
          try (exchange) {
            answer.to(exchange);
          } finally {
            synchronized (statuses) {
              statuses.add(exchange.getResponseCode());
              statuses.notifyAll();
            }
          }
        });
    server.start();
  }

  int port() {
    return server.getAddress().getPort();
  }

  PopularityAddress address() {
    return PopularityAddress.parse("X", "http://127.0.0.1:" + port() + "/popularity.json?token=x");
  }

  void answer(Answer next) {
    answer = next;
  }

  void publish(String json) {
    byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
    String etag = "\"" + json.hashCode() + "\"";
    answer =
        exchange -> {
          exchange.getResponseHeaders().add("ETag", etag);
          if (etag.equals(exchange.getRequestHeaders().getFirst("If-None-Match"))) {
            exchange.sendResponseHeaders(304, -1);
          } else {
            exchange.sendResponseHeaders(200, bytes.length);
            exchange.getResponseBody().write(bytes);
          }
        };
  }

  /** Waits for the answer to a request that comes from now on, and returns its status. */
  int next() throws InterruptedException {
    synchronized (statuses) {
      int before = statuses.size();
      while (statuses.size() == before) {
        statuses.wait();
      }
      return statuses.getLast();
    }
  }

  List<Integer> statuses() {
    synchronized (statuses) {
      return List.copyOf(statuses);
    }
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}

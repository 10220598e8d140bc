package nixery.runtime;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;

/** Passes requests on to a registry, and breaks off the answer to one of them when told to. */
final class BreakingProxy implements AutoCloseable {

  /** Answers that are shorter are passed on whole. */
  private static final int LARGE = 1_000_000;

  private final HttpClient client = HttpClient.newHttpClient();
  private final AtomicBoolean breaking = new AtomicBoolean();
  private final AtomicBoolean resumed = new AtomicBoolean();
  private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
  private final HttpServer server;
  private final int target;

  private BreakingProxy(HttpServer server, int target) {
    this.server = server;
    this.target = target;
  }

  static BreakingProxy start(int target) throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    BreakingProxy proxy = new BreakingProxy(server, target);
    server.createContext("/", proxy::pass);
    server.setExecutor(proxy.executor);
    server.start();
    return proxy;
  }

  String host() {
    return "127.0.0.1:" + server.getAddress().getPort();
  }

  /** Breaks off the next large answer in its middle. */
  void breakNext() {
    resumed.set(false);
    breaking.set(true);
  }

  /** Tells whether a part has been asked for since then. */
  boolean wasResumed() {
    return resumed.get();
  }

  private void pass(HttpExchange exchange) throws IOException {
    try (exchange) {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(
                  URI.create("http://127.0.0.1:" + target + exchange.getRequestURI()))
              .method(exchange.getRequestMethod(), HttpRequest.BodyPublishers.noBody());
      for (String name : List.of("Accept", "Range")) {
        exchange
            .getRequestHeaders()
            .getOrDefault(name, List.of())
            .forEach(value -> request.header(name, value));
      }
      HttpResponse<byte[]> answer =
          client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
      answer
          .headers()
          .map()
          .forEach((name, values) -> {
            if (!name.equalsIgnoreCase("content-length")) {
              exchange.getResponseHeaders().put(name, values);
            }
          });
      answer(exchange, answer);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private void answer(HttpExchange exchange, HttpResponse<byte[]> answer) throws IOException {
    if (answer.statusCode() == 206) {
      resumed.set(true);
    }
    if (exchange.getRequestMethod().equals("HEAD")) {
      answer
          .headers()
          .firstValue("Content-Length")
          .ifPresent(length -> exchange.getResponseHeaders().set("Content-Length", length));
      exchange.sendResponseHeaders(answer.statusCode(), -1);
      return;
    }
    byte[] body = answer.body();
    boolean broken = body.length > LARGE && breaking.getAndSet(false);
    exchange.sendResponseHeaders(answer.statusCode(), body.length == 0 ? -1 : body.length);
    if (body.length > 0) {
      OutputStream stream = exchange.getResponseBody();
      stream.write(body, 0, broken ? body.length / 2 : body.length);
      stream.flush();
    }
  }

  @Override
  public void close() {
    server.stop(0);
    executor.shutdownNow();
    client.close();
  }
}

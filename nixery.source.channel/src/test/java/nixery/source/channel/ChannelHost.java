package nixery.source.channel;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * A web server that publishes channels as channels.nixos.org does (a redirect to a release, with a
 * link that tells the commit) and commits as GitHub does, and that can be told to misbehave.
 */
final class ChannelHost implements AutoCloseable {

  /** Answers a request. */
  @FunctionalInterface
  interface Answer {
    void to(HttpExchange exchange) throws IOException;
  }

  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Map<String, Answer> answers = new ConcurrentHashMap<>();
  private final List<String> requests = new CopyOnWriteArrayList<>();
  private volatile Optional<Answer> fault = Optional.empty();

  ChannelHost() {
    this(0);
  }

  ChannelHost(int port) {
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  private void handle(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    requests.add(exchange.getRequestMethod() + " " + path);
    try (exchange) {
      fault.orElse(answers.getOrDefault(path, status(404))).to(exchange);
    }
  }

  int port() {
    return server.getAddress().getPort();
  }

  String origin() {
    return "http://127.0.0.1:" + port();
  }

  String channels() {
    return origin() + "/channels";
  }

  String archive() {
    return origin() + "/archive";
  }

  /** Returns the requests so far, such as {@code GET /archive/….tar.gz}, and forgets them. */
  List<String> requests() {
    List<String> all = List.copyOf(requests);
    requests.clear();
    return all;
  }

  /** Answers everything in the same way from now on. */
  void fail(Answer answer) {
    fault = Optional.of(answer);
  }

  /** Ends what {@link #fail} began. */
  void recover() {
    fault = Optional.empty();
  }

  void answer(String path, Answer answer) {
    answers.put(path, answer);
  }

  /** Lets a channel point to a new release, as the real host does. */
  void publish(String channel, String revision, byte[] tarball) {
    String release = "/releases/" + channel + "/" + revision.substring(0, 12) + "/nixexprs.tar.xz";
    answer(release, bytes(tarball));
    String url = origin() + release;
    answer(
        "/channels/" + channel + "/nixexprs.tar.xz",
        exchange -> {
          exchange
              .getResponseHeaders()
              .add("Link", "<" + url + "?rev=" + revision + "&lastModified=1>; rel=\"immutable\"");
          redirect(302, url).to(exchange);
        });
  }

  void publishCommit(String commit, byte[] tarball) {
    answer("/archive/" + commit + ".tar.gz", bytes(tarball));
  }

  static Answer status(int status) {
    return exchange -> exchange.sendResponseHeaders(status, -1);
  }

  static Answer redirect(int status, String location) {
    return exchange -> {
      exchange.getResponseHeaders().add("Location", location);
      exchange.sendResponseHeaders(status, -1);
    };
  }

  static Answer bytes(byte[] bytes) {
    return exchange -> {
      if (exchange.getRequestMethod().equals("HEAD")) {
        exchange.getResponseHeaders().add("Content-Length", String.valueOf(bytes.length));
        exchange.sendResponseHeaders(200, -1);
      } else {
        exchange.sendResponseHeaders(200, bytes.length);
        exchange.getResponseBody().write(bytes);
      }
    };
  }

  /** Promises everything, sends half of it and closes the connection. */
  static Answer half(byte[] bytes) {
    return exchange -> {
      exchange.sendResponseHeaders(200, bytes.length);
      exchange.getResponseBody().write(bytes, 0, bytes.length / 2);
      exchange.getResponseBody().flush();
    };
  }

  /** Accepts the request and says nothing. */
  static Answer silence() {
    return exchange -> sleep();
  }

  /** Sends half and then nothing, but keeps the connection. */
  static Answer stalling(byte[] bytes) {
    return exchange -> {
      exchange.sendResponseHeaders(200, bytes.length);
      exchange.getResponseBody().write(bytes, 0, bytes.length / 2);
      exchange.getResponseBody().flush();
      sleep();
    };
  }

  /** Sends a byte now and then. */
  static Answer dripping(byte[] bytes) {
    return exchange -> {
      exchange.sendResponseHeaders(200, bytes.length);
      OutputStream body = exchange.getResponseBody();
      try {
        for (byte b : bytes) {
          body.write(b);
          body.flush();
          Thread.sleep(20);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    };
  }

  private static void sleep() {
    pause(Duration.ofMinutes(1));
  }

  static void pause(Duration time) {
    try {
      Thread.sleep(time);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}

package nixery.source.git;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.GZIPInputStream;
import javax.net.ssl.SSLContext;

/** Serves git repositories over http with git's own {@code git http-backend}, on loopback. */
final class HttpGitServer implements AutoCloseable {

  private static final Path BACKEND = Path.of("/usr/lib/git-core/git-http-backend");

  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Path root;
  private final String scheme;

  /** How often refs were asked for. */
  final AtomicInteger lookups = new AtomicInteger();

  /** How often objects were asked for. */
  final AtomicInteger fetches = new AtomicInteger();

  /** How many bytes went to clients. */
  final AtomicInteger sent = new AtomicInteger();

  /** User and password as in an address, if the server wants them. */
  volatile String login = "";

  /** Whether the server knows the second version of the protocol. */
  volatile boolean modern = true;

  /** After how many bytes the connection is cut when objects are fetched. */
  volatile int cutAfter = Integer.MAX_VALUE;

  /** The status with which requests for objects are answered. */
  volatile int fetchStatus = 200;

  /** What happens before a request for objects is answered. */
  volatile Runnable beforeFetch = () -> {};

  /** What happens before a request is answered. */
  volatile Runnable before = () -> {};

  private HttpGitServer(Path root, String scheme, HttpServer server) {
    this.root = root;
    this.scheme = scheme;
    this.server = server;
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  private static InetSocketAddress loopback() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
  }

  static HttpGitServer start(Path root) throws IOException {
    if (!Files.isExecutable(BACKEND)) {
      throw new AssertionError(BACKEND + " is missing: install git");
    }
    return new HttpGitServer(root, "http", HttpServer.create(loopback(), 0));
  }

  static HttpGitServer startTls(Path root, SSLContext tls) throws IOException {
    HttpsServer server = HttpsServer.create(loopback(), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(tls));
    return new HttpGitServer(root, "https", server);
  }

  int port() {
    return server.getAddress().getPort();
  }

  /** Returns the address of a repository under the root. */
  String url(String path) {
    return scheme + "://127.0.0.1:" + port() + "/" + path;
  }

  /** Returns the address with user and password in it. */
  String url(String userInfo, String path) {
    return scheme + "://" + userInfo + "@127.0.0.1:" + port() + "/" + path;
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      before.run();
      String path = exchange.getRequestURI().getPath();
      if (path.endsWith("/info/refs")) {
        lookups.incrementAndGet();
      }
      if (!isAllowed(exchange)) {
        exchange.getResponseHeaders().set("WWW-Authenticate", "Basic realm=\"git\"");
        exchange.sendResponseHeaders(401, -1);
        return;
      }
      run(exchange, path);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean isAllowed(HttpExchange exchange) {
    String wanted =
        "Basic " + Base64.getEncoder().encodeToString(login.getBytes(StandardCharsets.UTF_8));
    return login.isEmpty() || wanted.equals(exchange.getRequestHeaders().getFirst("Authorization"));
  }

  private void run(HttpExchange exchange, String path) throws IOException, InterruptedException {
    Headers headers = exchange.getRequestHeaders();
    URI uri = exchange.getRequestURI();
    ProcessBuilder builder = Commands.builder(root, List.of(BACKEND.toString()));
    Map<String, String> environment = builder.environment();
    environment.put("GIT_PROJECT_ROOT", root.toString());
    environment.put("GIT_HTTP_EXPORT_ALL", "1");
    environment.put("GIT_CONFIG_COUNT", "1");
    environment.put("GIT_CONFIG_KEY_0", "safe.directory");
    environment.put("GIT_CONFIG_VALUE_0", "*");
    environment.put("PATH_INFO", path);
    environment.put("QUERY_STRING", uri.getRawQuery() == null ? "" : uri.getRawQuery());
    environment.put("REQUEST_METHOD", exchange.getRequestMethod());
    environment.put("CONTENT_TYPE", headers.getOrDefault("Content-Type", List.of("")).getFirst());
    if (headers.containsKey("Content-Encoding")) {
      environment.put("HTTP_CONTENT_ENCODING", headers.getFirst("Content-Encoding"));
    }
    if (modern && headers.containsKey("Git-Protocol")) {
      environment.put("GIT_PROTOCOL", headers.getFirst("Git-Protocol"));
    }
    byte[] body = exchange.getRequestBody().readAllBytes();
    boolean isFetch = path.endsWith("/git-upload-pack") && !isListing(headers, body);
    if (isFetch) {
      fetches.incrementAndGet();
      beforeFetch.run();
      if (fetchStatus != 200) {
        exchange.sendResponseHeaders(fetchStatus, -1);
        return;
      }
    }
    environment.put("CONTENT_LENGTH", Integer.toString(body.length));
    Process process = builder.redirectError(ProcessBuilder.Redirect.DISCARD).start();
    try (OutputStream in = process.getOutputStream()) {
      in.write(body);
    } catch (IOException e) {
      // It does not read the body of a request that it refuses.
    }
    try (InputStream out = process.getInputStream()) {
      answer(exchange, out, isFetch ? cutAfter : Integer.MAX_VALUE);
    } finally {
      process.destroyForcibly().waitFor();
    }
  }

  private static boolean isListing(Headers headers, byte[] body) throws IOException {
    InputStream in = new ByteArrayInputStream(body);
    boolean compressed = "gzip".equals(headers.getFirst("Content-Encoding"));
    byte[] plain = (compressed ? new GZIPInputStream(in) : in).readAllBytes();
    return new String(plain, StandardCharsets.ISO_8859_1).contains("command=ls-refs");
  }

  private void answer(HttpExchange exchange, InputStream out, int most) throws IOException {
    int status = 200;
    for (String line = line(out); !line.isEmpty(); line = line(out)) {
      String[] field = line.split(": ", 2);
      if (field[0].equals("Status")) {
        status = Integer.parseInt(field[1].substring(0, 3));
      } else {
        exchange.getResponseHeaders().add(field[0], field[1]);
      }
    }
    exchange.sendResponseHeaders(status, 0);
    OutputStream body = exchange.getResponseBody();
    byte[] buffer = new byte[8192];
    int left = most;
    for (int n = out.read(buffer); n >= 0; n = out.read(buffer)) {
      body.write(buffer, 0, Math.min(n, left));
      sent.addAndGet(n);
      left -= n;
      if (left <= 0) {
        body.flush();
        throw new IOException("cut");
      }
    }
    body.close();
  }

  private static String line(InputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int c = in.read(); c >= 0 && c != '\n'; c = in.read()) {
      line.write(c);
    }
    return line.toString(StandardCharsets.ISO_8859_1).stripTrailing();
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}

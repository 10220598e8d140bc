package nixery.storage.gcs.fake;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import nixery.api.Scratch;
import nixery.storage.gcs.fake.FakeBucket.FakeObject;

/**
 * The server. Buckets are private: whoever is no service account of this server needs a signed URL,
 * unless {@link #letEverybodyIn} was called. Thread-safe.
 */
public final class FakeGcs implements AutoCloseable {

  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Path folder;
  private final JsonApi jsonApi;
  private final Accounts accounts = new Accounts();
  private final Faults faults = new Faults();
  private final Map<String, FakeBucket> buckets = new ConcurrentHashMap<>();
  private final Set<String> denied = ConcurrentHashMap.newKeySet();
  private final List<String> requests = new ArrayList<>();
  private volatile boolean open;
  private volatile int pageSize = 1000;

  private FakeGcs(int port) throws IOException {
    folder = Files.createTempDirectory("fake-gcs");
    jsonApi = new JsonApi(this, folder);
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    server.setExecutor(threads);
    server.createContext("/", this::serve);
    server.start();
  }

  /**
   * Starts a server.
   *
   * @param port of the loopback interface; 0 for a free one
   * @return the running server
   */
  public static FakeGcs start(int port) {
    try {
      return new FakeGcs(port);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Runs a server until it is killed.
   *
   * @param arguments a port, the name of a bucket to make, and a file to write a service account's
   *     key to; optionally the share of requests that fail, such as 0.05
   * @throws InterruptedException if the thread is interrupted
   */
  public static void main(String[] arguments) throws InterruptedException {
    if (arguments.length < 3) {
      System.err.println("usage: FakeGcs PORT BUCKET KEY_FILE [SHARE_OF_FAULTS]");
      System.exit(2);
    }
    try (FakeGcs gcs = start(Integer.parseInt(arguments[0]))) {
      gcs.createBucket(arguments[1]);
      gcs.createAccount(Path.of(arguments[2]));
      if (arguments.length > 3) {
        gcs.faults().random(Double.parseDouble(arguments[3]), 1);
      }
      System.out.println(gcs.endpoint());
      Thread.currentThread().join();
    }
  }

  /** Returns scheme, host and port. */
  public String endpoint() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  /** Makes an empty bucket. */
  public void createBucket(String name) {
    buckets.put(name, new FakeBucket(name));
  }

  /** Takes a bucket away, with everything in it. */
  public void deleteBucket(String name) {
    buckets.remove(name);
  }

  /** Takes a bucket away until it is put back with {@link #attach}. */
  public Detached detach(String name) {
    return new Detached(buckets.remove(name));
  }

  /** Puts a bucket back. */
  public void attach(Detached detached) {
    buckets.put(detached.bucket.name(), detached.bucket);
  }

  /** A bucket that nobody can reach. */
  public static final class Detached {
    private final FakeBucket bucket;

    private Detached(FakeBucket bucket) {
      this.bucket = bucket;
    }
  }

  /**
   * Makes a service account that may do everything.
   *
   * @param keyFile where to write its JSON key
   * @return its address
   */
  public String createAccount(Path keyFile) {
    return accounts.create(keyFile, endpoint());
  }

  /** Takes an account away; its keys and tokens are refused from now on. */
  public void deleteAccount(String email) {
    accounts.delete(email);
  }

  /** Lets requests without credentials do everything. */
  public void letEverybodyIn() {
    open = true;
  }

  /** Takes a permission, such as {@code storage.objects.create}, from everybody. */
  public void deny(String permission) {
    denied.add(permission);
  }

  /** Sets how many objects a page of a list has, where the client does not say. */
  public void setPageSize(int objects) {
    pageSize = objects;
  }

  int pageSize() {
    return pageSize;
  }

  /** Returns what goes wrong, to be changed. */
  public Faults faults() {
    return faults;
  }

  /** Returns the names of all objects that can be seen in a bucket. */
  public Set<String> objects(String bucket) {
    return Set.copyOf(buckets.get(bucket).objects().keySet());
  }

  /** Takes an object away, as somebody else would. */
  public void delete(String bucket, String object) {
    buckets.get(bucket).objects().remove(object);
  }

  /** Returns what the service knows about an object, as the JSON interface would write it. */
  public String metadata(String bucket, String object) {
    return buckets.get(bucket).objects().get(object).json().toString();
  }

  /** Returns how many upload sessions were begun in a bucket. */
  public int uploadSessions(String bucket) {
    return buckets.get(bucket).sessions().size();
  }

  /** Forgets all unfinished uploads of a bucket, as the service does after a week. */
  public void forgetUploadSessions(String bucket) {
    buckets.get(bucket).sessions().clear();
  }

  /** Returns all requests so far: method, path and query. */
  public List<String> requests() {
    synchronized (requests) {
      return List.copyOf(requests);
    }
  }

  Optional<FakeBucket> bucket(String name) {
    return Optional.ofNullable(buckets.get(name));
  }

  void authorize(Call call, String permission) {
    Optional<String> caller = accounts.caller(call);
    if (caller.isEmpty() && !open) {
      throw new Refusal(
          401, "required", "Anonymous caller does not have %s access.".formatted(permission));
    }
    if (denied.contains(permission)) {
      throw new Refusal(
          403,
          "forbidden",
          "%s does not have %s access.".formatted(caller.orElse("Anonymous caller"), permission));
    }
  }

  private void serve(HttpExchange exchange) throws IOException {
    String request = Call.describe(exchange);
    synchronized (requests) {
      requests.add(request);
    }
    Call call = new Call(exchange, faults.strike(request));
    try (exchange) {
      try {
        strike(call);
        route(call);
      } catch (Refusal e) {
        call.drain();
        if (isJson(call.rawPath())) {
          call.answer(e.status(), json(e));
        } else {
          call.answer(e.status(), "application/xml; charset=UTF-8", xml(e));
        }
      }
    } catch (IOException e) {
      // The client left, or is to see a connection that breaks, which is what closing does now.
    }
  }

  private static void strike(Call call) throws IOException {
    if (call.has(Faults.Kind.UNAVAILABLE)) {
      throw new Refusal(503, "backendError", "Backend Error");
    }
    if (call.has(Faults.Kind.TOO_MANY_REQUESTS)) {
      throw new Refusal(429, "rateLimitExceeded", "Rate Limit Exceeded");
    }
    if (call.has(Faults.Kind.CUT_REQUEST) && !call.exchange().getRequestMethod().startsWith("P")) {
      throw new IOException("the request is cut");
    }
    if (call.has(Faults.Kind.SLOW)) {
      try {
        Thread.sleep(500);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void route(Call call) throws IOException {
    String path = call.rawPath();
    if (path.equals("/token")) {
      accounts.token(call);
    } else if (path.startsWith("/v1/projects/-/serviceAccounts/")) {
      authorize(
          call, "iam.serviceAccounts" + path.substring(path.lastIndexOf(':')).replace(':', '.'));
      accounts.iam(call);
    } else if (isJson(path)) {
      jsonApi.serve(call);
    } else {
      xml(call);
    }
  }

  private static boolean isJson(String path) {
    return path.matches("/((download|upload)/)?storage/v1/.*|/token|/v1/projects/.*");
  }

  /** GET and HEAD of an object through the XML interface, which is what signed URLs are for. */
  private void xml(Call call) throws IOException {
    if (!Set.of("GET", "HEAD").contains(call.method())) {
      throw new Refusal(405, "MethodNotAllowed", "The specified method is not allowed.");
    }
    URI url = call.exchange().getRequestURI();
    if (SignatureV4.isIn(url)) {
      new SignatureV4(url, headers(call)).verify(call.method(), accounts::key, Clock.systemUTC());
    } else if (!open && accounts.caller(call).isEmpty()) {
      throw new Refusal(403, "AccessDenied", "Access denied.");
    }
    String[] path = call.rawPath().substring(1).split("/", 2);
    FakeBucket bucket =
        bucket(path[0])
            .orElseThrow(
                () -> new Refusal(404, "NoSuchBucket", "The specified bucket does not exist."));
    FakeObject object =
        Optional.ofNullable(bucket.objects().get(Call.decode(path.length == 1 ? "" : path[1])))
            .orElseThrow(() -> new Refusal(404, "NoSuchKey", "The specified key does not exist."));
    Media.send(call, object);
  }

  private static Map<String, List<String>> headers(Call call) {
    return call.exchange().getRequestHeaders().entrySet().stream()
        .collect(Collectors.toMap(e -> e.getKey().toLowerCase(Locale.ROOT), Map.Entry::getValue));
  }

  private static JsonObject json(Refusal refusal) {
    JsonObject detail = new JsonObject();
    detail.addProperty("domain", "global");
    detail.addProperty("reason", refusal.reason());
    detail.addProperty("message", refusal.getMessage());
    JsonArray details = new JsonArray();
    details.add(detail);
    JsonObject error = new JsonObject();
    error.addProperty("code", refusal.status());
    error.addProperty("message", refusal.getMessage());
    error.add("errors", details);
    JsonObject json = new JsonObject();
    json.add("error", error);
    return json;
  }

  private static String xml(Refusal refusal) {
    return "<?xml version='1.0' encoding='UTF-8'?><Error><Code>%s</Code><Message>%s</Message></Error>"
        .formatted(refusal.reason(), refusal.getMessage());
  }

  /** Stops the server and deletes everything. */
  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
    try {
      Scratch.deleteTree(folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

package nixery.source.channel;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Talks to the hosts of channels. Nothing waits forever, redirects are followed one by one and
 * never from https to http, and credentials go to the server that they were configured for only.
 */
final class Http implements AutoCloseable {

  /** How many redirects are followed in a row. */
  static final int MAX_REDIRECTS = 5;

  private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);

  /**
   * How long to wait.
   *
   * @param connect for a connection
   * @param answer from the request to the end of the headers
   * @param stall for the next bytes of a body
   * @param whole for a whole tarball
   */
  record Deadlines(Duration connect, Duration answer, Duration stall, Duration whole) {

    /**
     * Returns deadlines that suit hosts on the internet, given the one that depends on the line.
     */
    static Deadlines within(Duration whole) {
      return new Deadlines(
          Duration.ofSeconds(10), Duration.ofSeconds(30), Duration.ofSeconds(30), whole);
    }
  }

  /** Says that a host answered, but with a status that is of no use. */
  static final class StatusException extends IOException {

    private static final long serialVersionUID = 1;

    private final int status;

    StatusException(int status, URI uri) {
      super(show(uri) + " answered status " + status);
      this.status = status;
    }

    /** Tells whether the host says that there is no such thing. */
    boolean isNotFound() {
      return status == 404 || status == 410;
    }
  }

  private final HttpClient client;
  private final Deadlines deadlines;
  private final List<BaseUrl> bases;

  Http(Deadlines deadlines, List<BaseUrl> bases) {
    this.deadlines = deadlines;
    this.bases = List.copyOf(bases);
    this.client =
        HttpClient.newBuilder()
            // One large download at a time gains nothing from HTTP/2.
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(deadlines.connect())
            .build();
  }

  static boolean isHttp(URI uri) {
    return uri.getHost() != null
        && uri.getScheme() != null
        && Set.of("http", "https").contains(uri.getScheme().toLowerCase(Locale.ROOT));
  }

  /** Returns an address as it may be shown: without credentials and query. */
  static String show(URI uri) {
    String port = uri.getPort() < 0 ? "" : ":" + uri.getPort();
    return uri.getScheme() + "://" + uri.getHost() + port + uri.getRawPath();
  }

  /**
   * Sends one request and does not follow redirects.
   *
   * @param method HEAD or GET
   * @param uri what to ask for
   * @param patience how long to wait for the answer if that is shorter than the deadline
   * @return the answer, whose body is for the caller to close
   * @throws IOException with a message that says which host did what
   * @throws InterruptedException if the thread was interrupted
   */
  HttpResponse<InputStream> exchange(String method, URI uri, Duration patience)
      throws IOException, InterruptedException {
    Duration limit = patience.compareTo(deadlines.answer()) < 0 ? patience : deadlines.answer();
    if (!limit.isPositive()) {
      throw new HttpTimeoutException(show(uri) + " was not reached in time");
    }
    HttpRequest.Builder request =
        HttpRequest.newBuilder(withoutCredentials(uri))
            .method(method, HttpRequest.BodyPublishers.noBody())
            .header("User-Agent", "nixery")
            .timeout(limit);
    bases.stream()
        .filter(base -> base.isSameOrigin(uri))
        .flatMap(base -> base.authorization().stream())
        .findFirst()
        .ifPresent(authorization -> request.header("Authorization", authorization));
    try {
      return client.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
    } catch (IOException e) {
      // The client's messages lack the host, and some are empty.
      String reason = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
      throw new IOException(show(uri) + " cannot be reached: " + reason, e);
    }
  }

  private static URI withoutCredentials(URI uri) {
    if (uri.getRawUserInfo() == null) {
      return uri;
    }
    return URI.create(uri.toString().replace(uri.getRawUserInfo() + "@", ""));
  }

  /**
   * Returns where an answer sends the client.
   *
   * @param response the answer
   * @return the address; empty if the answer is no redirect
   * @throws IOException if it must not be followed
   */
  static Optional<URI> redirect(HttpResponse<?> response) throws IOException {
    if (!REDIRECTS.contains(response.statusCode())) {
      return Optional.empty();
    }
    URI from = response.uri();
    String location =
        response
            .headers()
            .firstValue("Location")
            .orElseThrow(() -> new IOException(show(from) + " redirects to nowhere"));
    try {
      URI to = from.resolve(location);
      checkStep(from, to);
      return Optional.of(to);
    } catch (IllegalArgumentException e) {
      throw new IOException(show(from) + " redirects to something that is no address", e);
    }
  }

  /**
   * Checks that one address may lead to another.
   *
   * @throws IOException if the second is not http(s), or not encrypted although the first is
   */
  static void checkStep(URI from, URI to) throws IOException {
    if (!isHttp(to)) {
      throw new IOException(show(from) + " leads to something that is not http or https");
    }
    if (from.getScheme().equalsIgnoreCase("https") && !to.getScheme().equalsIgnoreCase("https")) {
      throw new IOException(show(from) + " leads to " + show(to) + ", which is not encrypted");
    }
  }

  /**
   * Opens what is at an address, after redirects.
   *
   * @param uri the address
   * @param whole how long reading the body may take
   * @return the body, which throws when a deadline passes or the connection is cut
   * @throws StatusException if the answer is not status 200
   * @throws IOException if there is no answer
   * @throws InterruptedException if the thread was interrupted
   */
  InputStream open(URI uri, Duration whole) throws IOException, InterruptedException {
    URI at = uri;
    for (int hops = 0; hops <= MAX_REDIRECTS; hops++) {
      HttpResponse<InputStream> response = exchange("GET", at, deadlines.answer());
      if (response.statusCode() == 200) {
        return new TimedInputStream(response.body(), show(at), deadlines.stall(), whole);
      }
      response.body().close();
      at =
          redirect(response)
              .orElseThrow(() -> new StatusException(response.statusCode(), response.uri()));
    }
    throw new IOException(show(uri) + " redirects more than " + MAX_REDIRECTS + " times");
  }

  @Override
  public void close() {
    client.shutdownNow();
  }
}

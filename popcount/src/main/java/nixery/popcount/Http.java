package nixery.popcount;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpResponse.BodySubscribers;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * Fetches what channels and binary caches publish, over HTTP/2 where they speak it. Everything is
 * bounded in size and time. What fails is tried again after a pause that doubles each time; a
 * server that says when to come back is left alone until then by all threads. Thread-safe.
 */
final class Http implements AutoCloseable {

  private static final int MOST_REDIRECTS = 5;
  private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);

  /** Lest a server that fails a lot fill the screen. */
  private static final Duration NOTES_APART = Duration.ofSeconds(5);

  /** Those that say that it may be better next time; all above 499 do so, too. */
  private static final Set<Integer> PASSING = Set.of(408, 425, 429);

  /**
   * How patient to be.
   *
   * @param attempts how often to try
   * @param firstPause before the second attempt
   * @param longestPause that a server may ask for
   * @param answer how long a small answer may take
   * @param download how long a large one may take
   */
  record Patience(
      int attempts,
      Duration firstPause,
      Duration longestPause,
      Duration answer,
      Duration download) {

    /** What suits hosts on the internet. */
    static final Patience USUAL =
        new Patience(
            7,
            Duration.ofMillis(500),
            Duration.ofMinutes(5),
            Duration.ofSeconds(30),
            Duration.ofMinutes(10));
  }

  /**
   * An answer that is final, but need not be good.
   *
   * @param uri what gave it, after redirects
   * @param status its status
   * @param hops the headers of all answers from the first redirect to this one
   * @param body if the status is 200, the body
   */
  record Answer<T>(URI uri, int status, List<HttpHeaders> hops, Optional<T> body) {}

  /** That there is no answer after all attempts; for something else, there may be one. */
  static final class NoAnswerException extends PopcountException {

    private static final long serialVersionUID = 1;

    NoAnswerException(String message, Throwable cause) {
      super(message, cause);
    }
  }

  private final Patience patience;
  private final Consumer<String> notes;
  private final HttpClient client;

  /** How many requests there may be at the same time. */
  private final AtomicInteger width;

  private final Semaphore slots;

  /** When something was noted last, as {@link System#nanoTime}. */
  private final AtomicLong noted = new AtomicLong(System.nanoTime() - NOTES_APART.toNanos());

  /** Until when nobody asks anything, as {@link System#nanoTime}. */
  private final AtomicLong quietUntil = new AtomicLong(System.nanoTime());

  /**
   * Makes a client.
   *
   * @param patience with servers
   * @param parallel how many requests there may be at the same time; fewer, where a server allows
   *     fewer in one connection
   * @param notes is told why it takes longer
   */
  Http(Patience patience, int parallel, Consumer<String> notes) {
    this.width = new AtomicInteger(parallel);
    this.slots = new Semaphore(parallel);
    this.patience = patience;
    this.notes = notes;
    this.client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_2)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(Duration.ofSeconds(10))
            .build();
  }

  /**
   * Fetches something small.
   *
   * @param uri where it is
   * @param most how many bytes it may have
   * @return the answer, which is neither a redirect nor a failure that may pass
   * @throws NoAnswerException if there is none after all attempts
   * @throws PopcountException if the server wants to be left alone for too long
   * @throws InterruptedException if the thread was interrupted
   */
  Answer<byte[]> get(URI uri, int most) throws InterruptedException {
    return exchange(uri, BodyHandlers.limiting(BodyHandlers.ofByteArray(), most), patience.answer);
  }

  /**
   * Fetches something large.
   *
   * @param uri where it is
   * @param file is written over
   * @param most how many bytes it may have
   * @return the answer, which is neither a redirect nor a failure that may pass
   * @throws NoAnswerException if there is none after all attempts
   * @throws PopcountException if the server wants to be left alone for too long
   * @throws InterruptedException if the thread was interrupted
   */
  Answer<Path> download(URI uri, Path file, long most) throws InterruptedException {
    BodyHandler<Path> handler =
        BodyHandlers.ofFile(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE);
    return exchange(uri, BodyHandlers.limiting(handler, most), patience.download);
  }

  private <T> Answer<T> exchange(URI uri, BodyHandler<T> handler, Duration limit)
      throws InterruptedException {
    Duration pause = patience.firstPause;
    int attempt = 0;
    while (true) {
      String failure;
      Optional<Exception> cause = Optional.empty();
      attempt++;
      slots.acquire();
      boolean narrow = false;
      try {
        waitUntilWelcome();
        Answer<T> answer = follow(uri, handler, limit);
        if (answer.status < 500 && !PASSING.contains(answer.status)) {
          return answer;
        }
        failure = "status " + answer.status;
        heed(answer);
      } catch (IOException e) {
        failure = message(e);
        cause = Optional.of(e);
        narrow = isTooWide(e) && takeSlotAway();
      } finally {
        if (!narrow) {
          slots.release();
        }
      }
      if (narrow) {
        attempt--; // The request was never sent.
        continue;
      }
      if (attempt == patience.attempts) {
        throw new NoAnswerException(
            "%s cannot be had, after %d attempts: %s.".formatted(show(uri), attempt, failure),
            cause.orElse(null));
      }
      // Not all at once again.
      long nanos = pause.toNanos();
      nanos = ThreadLocalRandom.current().nextLong(nanos / 2, nanos + 1);
      if (pause.toMillis() >= 1000) {
        note("%s: %s; it is tried again".formatted(show(uri), failure));
      }
      Thread.sleep(Duration.ofNanos(nanos));
      pause = pause.multipliedBy(2);
    }
  }

  private void note(String text) {
    long last = noted.get();
    long now = System.nanoTime();
    if (now - last >= NOTES_APART.toNanos() && noted.compareAndSet(last, now)) {
      notes.accept(text);
    }
  }

  /**
   * Tells whether there were more requests than the server allows in one HTTP/2 connection, which
   * the JDK's client takes no care of.
   */
  private static boolean isTooWide(IOException e) {
    return message(e).contains("too many concurrent streams");
  }

  /** Makes it one request fewer at the same time; false if there is no more than one. */
  private boolean takeSlotAway() {
    return width.getAndUpdate(slots -> Math.max(1, slots - 1)) > 1;
  }

  private void waitUntilWelcome() throws InterruptedException {
    long left = quietUntil.get() - System.nanoTime();
    while (left > 0) {
      Thread.sleep(Duration.ofNanos(left));
      left = quietUntil.get() - System.nanoTime();
    }
  }

  /** Does what the header {@code Retry-After} says; see RFC 9110, section 10.2.3. */
  private void heed(Answer<?> answer) {
    Optional<Duration> wish =
        answer.hops.getLast().firstValue("Retry-After").flatMap(Http::retryAfter);
    if (wish.isEmpty()) {
      return;
    }
    Duration pause = wish.get();
    if (pause.compareTo(patience.longestPause) > 0) {
      throw new PopcountException(
          "%s asks to be left alone for %d seconds: try again then; what was fetched is kept."
              .formatted(show(answer.uri), pause.toSeconds()));
    }
    long until = System.nanoTime() + pause.toNanos();
    long before = quietUntil.getAndAccumulate(until, (one, two) -> one - two > 0 ? one : two);
    if (before - System.nanoTime() <= 0 && pause.isPositive()) {
      note(
          "%s asks to be left alone for %d seconds"
              .formatted(answer.uri.getHost(), pause.toSeconds()));
    }
  }

  private static Optional<Duration> retryAfter(String text) {
    try {
      if (text.matches("[0-9]{1,9}")) {
        return Optional.of(Duration.ofSeconds(Long.parseLong(text)));
      }
      ZonedDateTime time = ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME);
      Duration left = Duration.between(ZonedDateTime.now(time.getZone()), time);
      return Optional.of(left.isNegative() ? Duration.ZERO : left);
    } catch (DateTimeParseException e) {
      return Optional.empty(); // as good as no header
    }
  }

  private <T> Answer<T> follow(URI uri, BodyHandler<T> handler, Duration limit)
      throws IOException, InterruptedException {
    List<HttpHeaders> hops = new ArrayList<>();
    URI at = uri;
    while (true) {
      HttpResponse<Optional<T>> response = send(at, handler, limit);
      hops.add(response.headers());
      if (!REDIRECTS.contains(response.statusCode())) {
        return new Answer<>(at, response.statusCode(), List.copyOf(hops), response.body());
      }
      if (hops.size() > MOST_REDIRECTS) {
        throw new IOException("more than " + MOST_REDIRECTS + " redirects");
      }
      at = redirect(at, response.headers().firstValue("Location").orElse(""));
    }
  }

  private static URI redirect(URI from, String location) throws IOException {
    URI to;
    try {
      to = from.resolve(location);
    } catch (IllegalArgumentException e) {
      throw new IOException("a redirect to something that is no address", e);
    }
    if (location.isEmpty() || !isHttp(to)) {
      throw new IOException("a redirect to something that is neither http nor https");
    }
    if (from.getScheme().equalsIgnoreCase("https") && !to.getScheme().equalsIgnoreCase("https")) {
      throw new IOException("a redirect from https to http");
    }
    return to;
  }

  /** Tells whether an address can be fetched from. */
  static boolean isHttp(URI uri) {
    return uri.getHost() != null
        && uri.getScheme() != null
        && Set.of("http", "https").contains(uri.getScheme().toLowerCase(Locale.ROOT));
  }

  private <T> HttpResponse<Optional<T>> send(URI uri, BodyHandler<T> handler, Duration limit)
      throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(uri)
            .header("User-Agent", "nixery-popcount/" + Main.version())
            .build();
    BodyHandler<Optional<T>> onlyGood =
        info ->
            info.statusCode() == 200
                ? BodySubscribers.mapping(handler.apply(info), Optional::of)
                : BodySubscribers.replacing(Optional.empty());
    // A request's own timeout would not cover the body.
    CompletableFuture<HttpResponse<Optional<T>>> answer = client.sendAsync(request, onlyGood);
    try {
      return answer.get(limit.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw new IOException(message(e.getCause()), e.getCause());
    } catch (TimeoutException e) {
      throw new IOException("no answer within " + limit.toSeconds() + " seconds", e);
    } finally {
      answer.cancel(true);
    }
  }

  private static String message(Throwable e) {
    if (e instanceof ConnectException) {
      return "no connection"; // What it says itself differs, or is nothing.
    }
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }

  /** Returns an address as it may be shown: without the query. */
  static String show(URI uri) {
    return uri.getScheme() + "://" + uri.getRawAuthority() + uri.getRawPath();
  }

  @Override
  public void close() {
    client.shutdownNow();
  }
}

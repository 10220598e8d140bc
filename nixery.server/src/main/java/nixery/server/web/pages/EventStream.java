package nixery.server.web.pages;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import nixery.server.progress.Build;
import nixery.server.progress.LogLines;
import nixery.server.progress.Snapshot;
import nixery.server.registry.StallGuard;

/**
 * Sends what goes on in a build, as events: {@code log} with lines as its data and the number of
 * the next line as its id, {@code state} with JSON, and {@code end} when the build has ended. Each
 * client is told at its own pace: what it was too slow for, and is no longer kept, is left out.
 */
final class EventStream {

  static final String TYPE = "text/event-stream; charset=utf-8";

  /** How many may look on at the same time, each with a thread and a connection. */
  static final int MAX_LISTENERS = 200;

  /** How often something is sent at least, so that it shows who is gone, and at most. */
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(1);

  private static final Duration SHORTEST_PAUSE = Duration.ofMillis(200);

  /** How long a client waits before it comes back, in milliseconds. */
  private static final String RETRY = "retry: 2000\n\n";

  private static final int LINES_AT_ONCE = 2_000;

  private final Semaphore listeners = new Semaphore(MAX_LISTENERS);
  private final boolean logs;

  EventStream(boolean logs) {
    this.logs = logs;
  }

  /**
   * Sends events until the build ends. A client that has announced to close the connection, as all
   * of HTTP/1.0 are taken to, is sent those that there are now: it may not know chunks, and comes
   * back.
   *
   * @param from the number of the first line of the log to send
   * @param guard which watches this thread's client now, and does so again afterwards
   * @return whether this was done; otherwise there are too many listeners
   * @throws CloseConnectionException if the client went away
   */
  boolean send(
      Build build, long from, ServerRequest request, ServerResponse response, StallGuard guard) {
    if (!listeners.tryAcquire()) {
      return false;
    }
    try {
      response.header(HeaderNames.CONTENT_TYPE, TYPE);
      // For proxies that would collect the answer: nginx heeds it.
      response.header("X-Accel-Buffering", "no");
      if (request.headers().containsToken(HeaderValues.CONNECTION_CLOSE)) {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        write(RETRY, body);
        tell(build, build.snapshot(), from, body);
        response.send(body.toByteArray());
      } else {
        OutputStream body = response.outputStream();
        follow(build, from, body, guard);
        body.close();
      }
    } catch (IOException | UncheckedIOException e) {
      throw new CloseConnectionException("the client went away", e);
    } catch (InterruptedException e) {
      throw new CloseConnectionException("the client does not read", e);
    } finally {
      listeners.release();
    }
    return true;
  }

  private void follow(Build build, long from, OutputStream body, StallGuard guard)
      throws IOException, InterruptedException {
    write(RETRY, body);
    long next = from;
    while (true) {
      Snapshot snapshot = build.snapshot();
      next = tell(build, snapshot, next, body);
      if (snapshot.outcome().isFinal()) {
        return;
      }
      guard.end();
      try {
        Thread.sleep(SHORTEST_PAUSE);
        build.await(snapshot.version(), LONGEST_PAUSE);
      } finally {
        guard.begin();
      }
    }
  }

  /** Writes what there is to say now, and returns the number of the next line. */
  private long tell(Build build, Snapshot snapshot, long from, OutputStream body)
      throws IOException {
    LogLines lines = build.log(from, logs ? LINES_AT_ONCE : 0);
    long next = from;
    if (!lines.lines().isEmpty()) {
      String text = String.join("\n", lines.lines());
      String data =
          lines.first() == from ? text : BuildPage.leftOut(lines.first() - from) + "\n" + text;
      write(Events.event("log", Long.toString(lines.next()), data), body);
      next = lines.next();
    }
    write(Events.event("state", "", BuildJson.state(snapshot)), body);
    if (snapshot.outcome().isFinal()) {
      write(Events.event("end", "", BuildJson.word(snapshot.outcome())), body);
    }
    return next;
  }

  private static void write(String text, OutputStream body) throws IOException {
    body.write(text.getBytes(UTF_8));
    body.flush();
  }
}

package nixery.server.registry;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.INFO;

import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.Filter;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import java.lang.management.ManagementFactory;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import nixery.server.failure.FailureCode;
import nixery.server.log.LogEvent;
import nixery.server.log.RequestId;
import nixery.server.metrics.Metrics;
import nixery.server.metrics.Route;

/**
 * Names, measures and logs each request: what was asked, what became of it, and how long it took.
 * Its line holds neither headers nor query nor bodies, and nothing in it can look like a line of
 * its own. What monitoring asks for all the time is logged only when it fails, or at level debug.
 *
 * <p>Who answers the request registers its {@link Route} in the request's context.
 */
final class AccessLog implements Filter {

  /** Under which the context of a request has the {@link FailureCode} that it was refused with. */
  static final Object FAILURE = new Object();

  /** Under which it has the number of bytes, as {@link Long}, of which Helidon does not know. */
  static final Object SENT_BESIDE = new Object();

  private static final HeaderName REQUEST_ID = HeaderNames.create("X-Request-Id");
  private static final System.Logger START = System.getLogger("nixery.server.start");
  private static final System.Logger LOG = System.getLogger("nixery.server.registry.access");

  private final Metrics metrics;
  private final AtomicBoolean answered = new AtomicBoolean();

  /**
   * Creates one.
   *
   * @param metrics gets the measurements
   */
  AccessLog(Metrics metrics) {
    this.metrics = metrics;
  }

  /**
   * One line.
   *
   * @param method of the request
   * @param path of it, as received
   * @param status of the answer
   * @param bytes of its body
   * @param millis until it was sent
   * @param remote the client's address
   * @param failure why it was refused, if it was
   * @param aborted whether the client did not get all of it
   */
  private record Line(
      String method,
      String path,
      int status,
      long bytes,
      long millis,
      String remote,
      Optional<FailureCode> failure,
      boolean aborted)
      implements LogEvent {

    @Override
    public String summary() {
      return method + " " + path + " " + status;
    }

    @Override
    public Map<String, Object> fields() {
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("method", method);
      fields.put("path", path);
      fields.put("status", status);
      fields.put("bytes", bytes);
      fields.put("ms", millis);
      fields.put("remote", remote);
      failure.ifPresent(code -> fields.put("failure", code.name()));
      if (aborted) {
        fields.put("aborted", true);
      }
      return fields;
    }

    @Override
    public String toString() {
      StringBuilder text = new StringBuilder(192);
      text.append("method=").append(method);
      text.append(" path=\"").append(path);
      text.append("\" status=").append(status);
      text.append(" bytes=").append(bytes);
      text.append(" ms=").append(millis);
      text.append(" remote=").append(remote);
      failure.ifPresent(code -> text.append(" failure=").append(code));
      return text.append(aborted ? " aborted=true" : "").toString();
    }
  }

  @Override
  public void filter(FilterChain chain, RoutingRequest request, RoutingResponse response) {
    RequestId id = RequestId.of(request.headers().first(REQUEST_ID));
    response.header(REQUEST_ID, id.value());
    id.during(() -> measure(chain, request, response));
  }

  private void measure(FilterChain chain, RoutingRequest request, RoutingResponse response) {
    long start = System.nanoTime();
    boolean finished = false;
    try {
      chain.proceed();
      finished = true;
    } finally {
      long nanos = System.nanoTime() - start;
      int status = response.status().code();
      Route route = request.context().get(Route.class).orElse(Route.OTHER);
      if (finished && !answered.getAndSet(true)) {
        START.log(
            INFO,
            "first request answered {0} ms after the start",
            Long.toString(ManagementFactory.getRuntimeMXBean().getUptime()));
      }
      if (finished) {
        metrics.answered(route, status, nanos);
      } else {
        metrics.aborted(route, nanos);
      }
      boolean monitoring = route == Route.HEALTH || route == Route.METRICS;
      System.Logger.Level level = monitoring && finished && status < 400 ? DEBUG : INFO;
      if (LOG.isLoggable(level)) {
        LOG.log(level, "{0}", line(request, response, nanos, finished));
      }
    }
  }

  private static Line line(
      RoutingRequest request, RoutingResponse response, long nanos, boolean finished) {
    return new Line(
        Text.printable(request.prologue().method().text()),
        Text.printable(request.prologue().uriPath().rawPath()),
        response.status().code(),
        response.bytesWritten() + request.context().get(SENT_BESIDE, Long.class).orElse(0L),
        nanos / 1_000_000,
        request.remotePeer().host(),
        request.context().get(FAILURE, FailureCode.class),
        !finished);
  }
}

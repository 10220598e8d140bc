package nixery.server.registry;

import static java.lang.System.Logger.Level.INFO;

import io.helidon.webserver.http.Filter;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import nixery.server.failure.FailureCode;

/**
 * Writes one line for each request: what was asked, what became of it, and how long it took. It
 * holds neither headers nor query nor bodies, and nothing in it can look like a line of its own.
 */
final class AccessLog implements Filter {

  /** Under which the context of a request has the {@link FailureCode} that it was refused with. */
  static final Object FAILURE = new Object();

  private static final System.Logger LOG = System.getLogger("nixery.server.registry.access");

  @Override
  public void filter(FilterChain chain, RoutingRequest request, RoutingResponse response) {
    long start = System.nanoTime();
    boolean finished = false;
    try {
      chain.proceed();
      finished = true;
    } finally {
      if (LOG.isLoggable(INFO)) {
        LOG.log(INFO, line(request, response, System.nanoTime() - start, finished));
      }
    }
  }

  private static String line(
      RoutingRequest request, RoutingResponse response, long nanos, boolean finished) {
    String failure =
        request
            .context()
            .get(FAILURE, FailureCode.class)
            .map(code -> " failure=" + code)
            .orElse("");
    return "method=%s path=\"%s\" status=%d bytes=%d ms=%d remote=%s%s%s"
        .formatted(
            Text.printable(request.prologue().method().text()),
            Text.printable(request.prologue().uriPath().rawPath()),
            response.status().code(),
            response.bytesWritten(),
            nanos / 1_000_000,
            request.remotePeer().host(),
            failure,
            finished ? "" : " aborted=true");
  }
}

package nixery.server.registry;

import io.helidon.http.HeaderNames;
import io.helidon.http.Headers;
import io.helidon.http.HttpPrologue;
import io.helidon.http.WritableHeaders;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.http1.Http1ConnectionListener;

/** What must be done beside the handling of requests, on the thread of the connection. */
final class ConnectionHooks {

  private ConnectionHooks() {}

  /**
   * Watches a client from the first line of a request to the end of its headers. Until that line is
   * complete, Helidon's own idle timeout counts; afterwards it does not.
   */
  static final class Receiving implements Http1ConnectionListener {

    private final StallGuard guard;

    Receiving(StallGuard guard) {
      this.guard = guard;
    }

    @Override
    public void prologue(ConnectionContext context, HttpPrologue prologue) {
      guard.begin();
    }

    @Override
    public void headers(ConnectionContext context, Headers headers) {
      guard.end();
    }
  }

  /**
   * Takes off the {@code Content-Length: 0} that Helidon puts on status 304, where it would have to
   * be the length that a 200 has (RFC 9110, section 8.6). It is the one answer that has an ETag but
   * no type.
   */
  static final class Sending implements Http1ConnectionListener {

    @Override
    public void headers(ConnectionContext context, Headers headers) {
      if (headers instanceof WritableHeaders<?> writable
          && headers.contains(HeaderNames.ETAG)
          && !headers.contains(HeaderNames.CONTENT_TYPE)) {
        writable.remove(HeaderNames.CONTENT_LENGTH);
      }
    }
  }
}

package nixery.server.web;

import io.helidon.http.HeaderNames;
import io.helidon.http.Method;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;

/** The body of an answer that is there as a whole. */
public final class Body {

  private Body() {}

  /**
   * Sends it; to HEAD, the same header fields and nothing else.
   *
   * @param request what was asked
   * @param response the answer, whose status is set
   * @param type the media type
   * @param body the bytes
   */
  public static void send(
      ServerRequest request, ServerResponse response, String type, byte[] body) {
    boolean head = request.prologue().method().equals(Method.HEAD);
    response.header(HeaderNames.CONTENT_TYPE, type);
    response.header(HeaderNames.CONTENT_LENGTH, Integer.toString(body.length));
    response.send(body, 0, head ? 0 : body.length);
  }
}

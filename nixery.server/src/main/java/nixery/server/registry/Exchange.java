package nixery.server.registry;

import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.Method;
import io.helidon.http.Status;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import nixery.image.Digest;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A request and its answer: what all answers have in common.
 *
 * @param request from the client
 * @param response to it
 * @param guard watches the client
 */
record Exchange(ServerRequest request, ServerResponse response, StallGuard guard) {

  /** The answer may be used again only if the server says that it is still right. */
  static final String REVALIDATE = "no-cache";

  /** The answer can never be another. */
  static final String FOREVER = "max-age=31536000, immutable";

  /** The answer is of no use to anybody else. */
  static final String NEVER = "no-store";

  /** The digest of what is sent, or would be. */
  static final HeaderName CONTENT_DIGEST = HeaderNames.create("Docker-Content-Digest");

  private static final JsonMapper JSON = new JsonMapper();

  /** Tells whether the headers of the answer are all that is wanted. */
  boolean isHead() {
    return request.prologue().method().equals(Method.HEAD);
  }

  /** Tells whether the request announces a body. */
  boolean hasBody() {
    return request.headers().contains(HeaderNames.TRANSFER_ENCODING)
        || request.headers().contentLength().orElse(0) > 0;
  }

  /** Sets a header of the answer. */
  void set(HeaderName name, String value) {
    response.header(name, value);
  }

  /**
   * Says what the answer holds.
   *
   * @param digest of the manifest or blob
   * @param caching for {@code Cache-Control}
   */
  void identify(Digest digest, String caching) {
    set(CONTENT_DIGEST, digest.toString());
    set(HeaderNames.ETAG, etag(digest));
    set(HeaderNames.CACHE_CONTROL, caching);
  }

  /**
   * Evaluates the preconditions of a request (RFC 9110, section 13.2.2). Sends status 412 if the
   * client wants something else than what there is, and 304 if it has what it asks for. For {@code
   * If-None-Match}, entity tags are compared weakly, and a digest without quotes is taken for what
   * it is.
   *
   * @param digest of what it asks for
   * @return whether the answer is sent
   */
  boolean sendByPrecondition(Digest digest) {
    if (request.headers().contains(HeaderNames.IF_MATCH)
        && tags(HeaderNames.IF_MATCH)
            .noneMatch(tag -> tag.equals("*") || tag.equals(etag(digest)))) {
      sendError(
          new ErrorResponse(
              412, "PRECONDITION_FAILED", "What there is has the ETag " + digest + "."));
      return true;
    }
    boolean known =
        tags(HeaderNames.IF_NONE_MATCH)
            .map(tag -> tag.replaceFirst("^W/", "").replace("\"", ""))
            .anyMatch(tag -> tag.equals("*") || tag.equals(digest.toString()));
    if (known) {
      response.status(Status.NOT_MODIFIED_304);
      response.send();
    }
    return known;
  }

  private Stream<String> tags(HeaderName name) {
    return request.headers().all(name, List::of).stream()
        .flatMap(value -> Stream.of(value.split(",")))
        .map(String::strip);
  }

  /**
   * Reads which bytes of a blob are wanted. A range of a HEAD request means nothing (RFC 9110,
   * section 14.2).
   *
   * @param digest of the blob
   * @param length of the blob, in bytes
   * @return what to send
   */
  ByteRange range(Digest digest, long length) {
    boolean current =
        request.headers().value(HeaderNames.IF_RANGE).map(etag(digest)::equals).orElse(true);
    return ByteRange.parse(
        !isHead() && current ? request.headers().value(HeaderNames.RANGE) : Optional.empty(),
        length);
  }

  private static String etag(Digest digest) {
    return "\"" + digest + "\"";
  }

  /** Sends JSON that may change any time. */
  void sendJson(String type, ObjectNode body) {
    set(HeaderNames.CONTENT_TYPE, type);
    set(HeaderNames.CACHE_CONTROL, REVALIDATE);
    send(JSON.writeValueAsBytes(body));
  }

  /** Sends an error. */
  void sendError(ErrorResponse error) {
    response.status(Status.create(error.status()));
    set(HeaderNames.CACHE_CONTROL, NEVER);
    set(HeaderNames.CONTENT_TYPE, "application/json");
    error
        .retryAfter()
        .ifPresent(seconds -> set(HeaderNames.RETRY_AFTER, Integer.toString(seconds)));
    send(error.body());
  }

  /** Sends a body that is in memory, or only its length where the headers are wanted. */
  void send(byte[] body) {
    set(HeaderNames.CONTENT_LENGTH, Integer.toString(body.length));
    send(isHead() ? 0 : body.length, body);
  }

  /**
   * Sends nothing but the headers.
   *
   * @param length of the body that GET would have
   */
  void sendHeaders(long length) {
    set(HeaderNames.CONTENT_LENGTH, Long.toString(length));
    send(0, new byte[0]);
  }

  private void send(int length, byte[] body) {
    guard.begin();
    try {
      response.send(body, 0, length);
    } finally {
      guard.end();
    }
  }
}

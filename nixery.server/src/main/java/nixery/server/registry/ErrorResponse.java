package nixery.server.registry;

import java.util.Map;
import java.util.OptionalInt;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a client is told when it does not get what it asked for: a status and the JSON of <a
 * href="https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#error-codes">Error
 * Codes</a> in the OCI distribution specification. This is the one place that maps {@link
 * FailureCode}s.
 *
 * <p>Facts that the choice rests on, seen with Docker 20.10, Podman 4.3, skopeo 1.9 and containerd
 * 1.6. Docker, Podman and skopeo print the message of an error only if the status is 4xx; of 5xx
 * they print just the status line. Docker asks with HEAD first, and with GET again when that fails.
 * Podman and skopeo give up at once on 404 MANIFEST_UNKNOWN, and repeat what is answered with 429
 * after the time that {@code Retry-After} says, skopeo 4 and Podman 19 times. containerd prints
 * "not found" for 404 and the status line for the rest, whatever the body says. So whatever makes
 * an image impossible to have is 404 MANIFEST_UNKNOWN: people see the message, and nobody builds it
 * in vain again and again.
 *
 * @param status the HTTP status
 * @param code by which programs know the error
 * @param message for people
 * @param detail further facts by name; may be empty
 * @param retryAfter after how many seconds it makes sense to ask again
 */
record ErrorResponse(
    int status, String code, String message, Map<String, String> detail, OptionalInt retryAfter) {

  private static final int RETRY_AFTER_SECONDS = 10;
  private static final JsonMapper JSON = new JsonMapper();

  /**
   * Creates one without detail that should not be retried.
   *
   * @param status the HTTP status
   * @param code by which programs know the error
   * @param message for people
   */
  ErrorResponse(int status, String code, String message) {
    this(status, code, message, Map.of(), OptionalInt.empty());
  }

  /**
   * Translates a failure.
   *
   * @param failure anything but {@link FailureCode#INTERNAL} tells its message to the client
   * @param id under which the log has an internal failure
   * @return the answer
   */
  static ErrorResponse of(Failure failure, String id) {
    String message = failure.getMessage();
    return switch (failure.code()) {
      case NAME_INVALID -> new ErrorResponse(400, "NAME_INVALID", message);
      case REFERENCE_INVALID -> new ErrorResponse(400, "MANIFEST_INVALID", message);
      case DIGEST_INVALID -> new ErrorResponse(400, "DIGEST_INVALID", message);
      case PACKAGE_UNKNOWN,
          TAG_UNKNOWN,
          MANIFEST_UNKNOWN,
          EVALUATION_FAILED,
          EVALUATION_TIMED_OUT,
          BUILD_FAILED,
          BUILD_TIMED_OUT ->
          new ErrorResponse(404, "MANIFEST_UNKNOWN", message);
      case BLOB_UNKNOWN -> new ErrorResponse(404, "BLOB_UNKNOWN", message);
      case NOT_FOUND -> new ErrorResponse(404, "UNSUPPORTED", message);
      case METHOD_UNSUPPORTED -> new ErrorResponse(405, "UNSUPPORTED", message);
      case OVERLOADED -> later(429, "TOOMANYREQUESTS", message);
      case SOURCE_UNAVAILABLE, STORAGE_UNAVAILABLE, NIX_UNAVAILABLE, INTERRUPTED ->
          later(503, "UNAVAILABLE", message);
      case INTERNAL -> internal(id);
    };
  }

  /**
   * Says that this program is at fault, and nothing else.
   *
   * @param id under which the log says more
   * @return the answer
   */
  static ErrorResponse internal(String id) {
    return new ErrorResponse(
        500,
        "UNKNOWN",
        "The server failed; its log says why under the id " + id + ".",
        Map.of("id", id),
        OptionalInt.empty());
  }

  /**
   * Says that the same request may succeed soon.
   *
   * @param status the HTTP status
   * @param code by which programs know the error
   * @param message for people
   * @return the answer
   */
  static ErrorResponse later(int status, String code, String message) {
    return new ErrorResponse(status, code, message, Map.of(), OptionalInt.of(RETRY_AFTER_SECONDS));
  }

  /** Returns the body as it is sent. */
  byte[] body() {
    ObjectNode root = JSON.createObjectNode();
    ObjectNode error = root.putArray("errors").addObject();
    error.put("code", code);
    error.put("message", message);
    ObjectNode details = error.putObject("detail");
    detail.forEach(details::put);
    return JSON.writeValueAsBytes(root);
  }
}

package nixery.storage.gcs.fake;

/** An answer that is an error, to be written as the interface that was called would write it. */
final class Refusal extends RuntimeException {

  private static final long serialVersionUID = 1;

  private final int status;
  private final String reason;

  /**
   * Creates one.
   *
   * @param status of HTTP
   * @param reason a word for programs
   * @param message a sentence for people
   */
  Refusal(int status, String reason, String message) {
    super(message);
    this.status = status;
    this.reason = reason;
  }

  static Refusal notFound(String message) {
    return new Refusal(404, "notFound", message);
  }

  static Refusal invalid(String message) {
    return new Refusal(400, "invalid", message);
  }

  int status() {
    return status;
  }

  String reason() {
    return reason;
  }
}

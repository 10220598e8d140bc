package nixery.api.source;

/**
 * Says that the source cannot be asked at this moment: not reachable, not in time, not allowed. The
 * client is answered status 503 and told no more than that the package source cannot be reached;
 * the message goes to the log.
 */
public final class SourceUnavailableException extends SourceException {

  private static final long serialVersionUID = 1;

  /**
   * Creates one.
   *
   * @param message one sentence for the operator that says what failed and what may help, without
   *     secrets
   * @param cause what went wrong
   */
  public SourceUnavailableException(String message, Throwable cause) {
    super(message, cause);
  }

  /**
   * Creates one that has no cause.
   *
   * @param message one sentence for the operator that says what failed and what may help, without
   *     secrets
   */
  public SourceUnavailableException(String message) {
    super(message);
  }
}

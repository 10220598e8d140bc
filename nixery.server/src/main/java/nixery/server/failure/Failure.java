package nixery.server.failure;

import java.util.Objects;

/** Says why a request could not be fulfilled. */
public final class Failure extends RuntimeException {

  private static final long serialVersionUID = 1;

  private final FailureCode code;

  /**
   * Creates one.
   *
   * @param code what went wrong
   * @param message for the client: what was wrong and what to do, without secrets and paths of the
   *     server
   */
  public Failure(FailureCode code, String message) {
    super(message);
    this.code = Objects.requireNonNull(code);
  }

  /**
   * Creates one that has a cause.
   *
   * @param code what went wrong
   * @param message for the client: what was wrong and what to do, without secrets and paths of the
   *     server
   * @param cause for the log
   */
  public Failure(FailureCode code, String message, Throwable cause) {
    super(message, cause);
    this.code = Objects.requireNonNull(code);
  }

  /** Returns what went wrong. */
  public FailureCode code() {
    return code;
  }
}

package nixery.api;

/**
 * Says that the server cannot start as it is configured. The message is one sentence for the
 * operator that names the setting and says what to do; the server prints it and exits with status 2
 * before it listens.
 */
public final class ConfigurationException extends RuntimeException {

  private static final long serialVersionUID = 1;

  /**
   * Creates one.
   *
   * @param message one sentence that holds no secret
   */
  public ConfigurationException(String message) {
    super(message);
  }

  /**
   * Creates one that has a cause.
   *
   * @param message one sentence that holds no secret
   * @param cause for the debug log
   */
  public ConfigurationException(String message, Throwable cause) {
    super(message, cause);
  }
}

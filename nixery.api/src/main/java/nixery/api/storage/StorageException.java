package nixery.api.storage;

/**
 * Says that the storage did not do what was asked: it could not be reached, has no space, refused.
 * The server logs it, answers what depended on it with status 503, and goes on. Whatever was asked
 * either happened entirely or left nothing that can be seen.
 */
public final class StorageException extends RuntimeException {

  private static final long serialVersionUID = 1;

  /**
   * Creates one.
   *
   * @param message one sentence for the operator, without secrets
   */
  public StorageException(String message) {
    super(message);
  }

  /**
   * Creates one that has a cause.
   *
   * @param message one sentence for the operator, without secrets
   * @param cause what went wrong
   */
  public StorageException(String message, Throwable cause) {
    super(message, cause);
  }
}

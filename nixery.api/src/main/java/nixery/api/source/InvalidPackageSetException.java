package nixery.api.source;

/**
 * Says that the tag exists but what it holds is no package set, such as a repository without a
 * {@code default.nix}. The client is answered status 404 with this message.
 */
public final class InvalidPackageSetException extends SourceException {

  private static final long serialVersionUID = 1;

  /**
   * Creates one.
   *
   * @param message one sentence for the client that says what is missing, without secrets
   */
  public InvalidPackageSetException(String message) {
    super(message);
  }
}

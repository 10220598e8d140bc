package nixery.api.source;

/** Says that the source has nothing by that name. The client is answered status 404. */
public final class UnknownTagException extends SourceException {

  private static final long serialVersionUID = 1;

  /**
   * Creates one.
   *
   * @param message one sentence for the client that names the tag and what was looked through, such
   *     as "no tag, branch or commit 'v2' in …", without secrets
   */
  public UnknownTagException(String message) {
    super(message);
  }
}

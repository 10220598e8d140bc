package nixery.api.source;

/** Says why a package source could not give what was asked for. */
public abstract sealed class SourceException extends RuntimeException
    permits UnknownTagException, SourceUnavailableException, InvalidPackageSetException {

  private static final long serialVersionUID = 1;

  SourceException(String message) {
    super(message);
  }

  SourceException(String message, Throwable cause) {
    super(message, cause);
  }
}

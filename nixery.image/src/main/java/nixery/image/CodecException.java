package nixery.image;

/** Says why layers cannot be compressed as asked for, in a sentence for those who configure it. */
public final class CodecException extends RuntimeException {

  private static final long serialVersionUID = 1;

  CodecException(String message) {
    super(message);
  }

  CodecException(String message, Throwable cause) {
    super(message, cause);
  }
}

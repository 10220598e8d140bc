package nixery.image;

import java.io.IOException;

/** Says that a layer cannot be compressed or written, whatever is packed. */
final class UnwritableException extends IOException {

  private static final long serialVersionUID = 1;

  UnwritableException(String message, Throwable cause) {
    super(message, cause);
  }
}

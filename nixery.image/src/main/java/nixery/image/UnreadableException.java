package nixery.image;

import java.io.IOException;

/**
 * Says that what is to be packed cannot be read: a store path is not there or damaged, or the
 * store's disk fails.
 */
public final class UnreadableException extends IOException {

  private static final long serialVersionUID = 1;

  UnreadableException(String message, IOException cause) {
    super(message, cause);
  }
}

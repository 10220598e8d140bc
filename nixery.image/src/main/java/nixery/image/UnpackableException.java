package nixery.image;

import java.io.IOException;

/**
 * Says that packages hold something for which there is no place in a layer. Trying again does not
 * help; the message tells the client what it is.
 */
public final class UnpackableException extends IOException {

  private static final long serialVersionUID = 1;

  UnpackableException(String message) {
    super(message);
  }
}

package nixery.source.channel;

import java.io.IOException;

/** Says that a tarball is damaged, or is one that is not unpacked for good reasons. */
final class CorruptTarballException extends IOException {

  private static final long serialVersionUID = 1;

  /**
   * Creates one.
   *
   * @param message a clause about the tarball that begins with a verb
   */
  CorruptTarballException(String message) {
    super(message);
  }
}

package nixery.server.progress;

import java.util.Objects;
import nixery.server.failure.FailureCode;

/** What became of a build. */
public sealed interface Outcome {

  /** It goes on. */
  record Running() implements Outcome {}

  /** The image is in the storage. */
  record Done() implements Outcome {}

  /**
   * There is no image.
   *
   * @param code why, for programs
   * @param message why, for people; nothing secret
   */
  record Failed(FailureCode code, String message) implements Outcome {

    /** Checks that nothing is null. */
    public Failed {
      Objects.requireNonNull(code);
      Objects.requireNonNull(message);
    }
  }

  /** Tells whether nothing more will happen. */
  default boolean isFinal() {
    return !(this instanceof Running);
  }
}

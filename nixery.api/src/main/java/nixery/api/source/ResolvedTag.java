package nixery.api.source;

import java.util.Objects;
import java.util.Optional;

/**
 * What a tag means at one moment.
 *
 * @param tag the tag
 * @param revision the immutable revision that it stands for, such as a git commit: whatever was
 *     built from it is kept and never evaluated again. Empty if the package set can change
 *     unnoticed.
 * @param warning a sentence for the operator if the answer is not as fresh as it should be
 */
public record ResolvedTag(String tag, Optional<String> revision, Optional<String> warning) {

  /** Checks that nothing is null. */
  public ResolvedTag {
    Objects.requireNonNull(tag);
    Objects.requireNonNull(revision);
    Objects.requireNonNull(warning);
  }
}

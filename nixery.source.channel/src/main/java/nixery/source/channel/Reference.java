package nixery.source.channel;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/** What a tag, other than {@code latest}, can stand for. */
sealed interface Reference {

  Pattern COMMIT = Pattern.compile("[0-9a-fA-F]{40}");
  Pattern CHANNEL = Pattern.compile("[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}");

  /**
   * A channel, whether it exists or not.
   *
   * @param name safe as a file name and as a segment of a URL
   */
  record Channel(String name) implements Reference {}

  /**
   * A commit of nixpkgs, whether it exists or not.
   *
   * @param id 40 lower-case hexadecimal digits
   */
  record Commit(String id) implements Reference {}

  /** Reads a full commit or the name of a channel; empty if the text is neither. */
  static Optional<Reference> of(String text) {
    if (COMMIT.matcher(text).matches()) {
      return Optional.of(new Commit(text.toLowerCase(Locale.ROOT)));
    }
    return CHANNEL.matcher(text).matches() ? Optional.of(new Channel(text)) : Optional.empty();
  }
}

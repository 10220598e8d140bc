package nixery.server.progress;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;

/** Takes out of a text what nobody should read. Thread-safe. */
public final class Redaction {

  private static final String HIDDEN = "[hidden]";

  /** Shorter ones would be found everywhere, and are no secrets to speak of. */
  private static final int SHORTEST_SECRET = 4;

  /** What stands for user and password in a URL. */
  private static final Pattern CREDENTIALS = Pattern.compile("(?<=://)[^\\s/@]{1,512}@");

  private final List<String> secrets;

  /**
   * Creates one.
   *
   * @param secrets texts that may not be shown; credentials in URLs never are
   */
  public Redaction(Collection<String> secrets) {
    this.secrets =
        secrets.stream()
            .filter(secret -> secret.length() >= SHORTEST_SECRET)
            // One may be part of another.
            .sorted(Comparator.comparingInt(String::length).reversed())
            .toList();
  }

  /**
   * Takes out the secrets.
   *
   * @param text any
   * @return the text without them
   */
  public String apply(String text) {
    String shown = text;
    for (String secret : secrets) {
      shown = shown.replace(secret, HIDDEN);
    }
    return shown.contains("://") ? CREDENTIALS.matcher(shown).replaceAll(HIDDEN + "@") : shown;
  }
}

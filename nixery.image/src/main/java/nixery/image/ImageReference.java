package nixery.image;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What an image is called where it is loaded, by the grammar of Docker's clients; see <a
 * href="https://github.com/distribution/reference/blob/v0.6.0/reference.go">distribution's
 * reference</a>.
 *
 * @param name the repository, with or without the host of a registry
 * @param tag the tag
 */
public record ImageReference(String name, String tag) {

  private static final int MAX_LENGTH = 255;

  private static final String LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
  private static final String HOST = LABEL + "(?:\\." + LABEL + ")*(?::[0-9]+)?";
  private static final String COMPONENT = "[a-z0-9]++(?:(?:\\.|_|__|-++)[a-z0-9]++)*+";
  private static final Pattern FORM =
      Pattern.compile(
          "(?<name>(?:(?<host>%s)/)?%s(?:/%s)*)(?::(?<tag>[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}))?"
              .formatted(HOST, COMPONENT, COMPONENT));

  /**
   * Reads a reference.
   *
   * @param text such as {@code git}, {@code shell/git:v1} or {@code localhost:5000/git}; the tag is
   *     {@code latest} if it is left out
   * @return the reference
   * @throws IllegalArgumentException if it has another form
   */
  public static ImageReference parse(String text) {
    Matcher parts = FORM.matcher(text);
    if (!parts.matches() || parts.group("name").length() > MAX_LENGTH) {
      throw new IllegalArgumentException(
          "'%s' is not the name of an image, as in git, tools/git:v1 or localhost:5000/git"
              .formatted(text));
    }
    String tag = parts.group("tag");
    return new ImageReference(parts.group("name"), tag == null ? "latest" : tag);
  }

  /** Returns the reference with what Docker's clients add in thought: host and first folder. */
  String full() {
    int slash = name.indexOf('/');
    String first = slash < 0 ? "" : name.substring(0, slash);
    boolean hasHost = first.matches(".*[.:A-Z].*") || first.equals("localhost");
    String prefix = hasHost ? "" : slash < 0 ? "docker.io/library/" : "docker.io/";
    return prefix + this;
  }

  @Override
  public String toString() {
    return name + ":" + tag;
  }
}

package nixery.server.watch;

import java.net.URI;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import nixery.api.ConfigurationException;

/**
 * What {@code nixery watch} is to do.
 *
 * @param name of the image, such as {@code shell/git}
 * @param tag of it
 * @param server its address, without a slash at the end
 */
public record WatchOptions(String name, String tag, URI server) {

  /** The text of {@code nixery watch --help}. */
  public static final String HELP =
      """
      Usage: nixery watch NAME[:TAG] [--server URL]

      Has a server build the image NAME, such as shell/git, and shows how that goes on until the
      image can be pulled. The server is the one at http://localhost:8080 unless URL is another.

      The digest of the image's manifest goes to standard output. The exit status is 1 if there is
      no such image, and 2 if the server cannot be asked.
      """;

  private static final URI LOCAL = URI.create("http://localhost:8080");

  /**
   * Reads the arguments that follow {@code watch}.
   *
   * @param arguments one name, and options
   * @return what they say
   * @throws ConfigurationException if they are not as they should be
   */
  public static WatchOptions parse(List<String> arguments) {
    Deque<String> left = new ArrayDeque<>(arguments);
    String image = "";
    URI server = LOCAL;
    while (!left.isEmpty()) {
      String next = left.removeFirst();
      if (next.equals("--server") && !left.isEmpty()) {
        server = server(left.removeFirst());
      } else if (next.startsWith("--server=")) {
        server = server(next.substring("--server=".length()));
      } else if (next.startsWith("-") || !image.isEmpty() || next.isEmpty()) {
        throw new ConfigurationException(
            "nixery watch cannot do anything with '%s': try nixery watch --help.".formatted(next));
      } else {
        image = next;
      }
    }
    if (image.isEmpty()) {
      throw new ConfigurationException("nixery watch needs the name of an image: append one.");
    }
    int colon = image.indexOf(':');
    return colon < 0
        ? new WatchOptions(image, "latest", server)
        : new WatchOptions(image.substring(0, colon), image.substring(colon + 1), server);
  }

  private static URI server(String text) {
    try {
      URI uri = URI.create(text.replaceFirst("/+$", ""));
      if (List.of("http", "https").contains(uri.getScheme()) && uri.getHost() != null) {
        return uri;
      }
    } catch (IllegalArgumentException e) {
      throw noServer(text, e);
    }
    throw noServer(text, null);
  }

  private static ConfigurationException noServer(String text, Throwable cause) {
    return new ConfigurationException(
        "'%s' is no address of a server: write it like %s.".formatted(text, LOCAL), cause);
  }
}

package nixery.source.channel;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Where a tarball is that never changes, as a server tells in the header {@code Link:
 * <https://…/nixexprs.tar.xz?rev=…&lastModified=…>; rel="immutable"}. That is the Lockable HTTP
 * Tarball Protocol of the Nix manual, in the syntax of RFC 8288, section 3.
 *
 * @param tarball the address without the attributes that are meant for Nix
 * @param revision the commit of which the tarball is made, if the server tells it
 */
record ImmutableLink(URI tarball, Optional<String> revision) {

  /** What a tarball reference can say about itself; see "tarball" in the manual on flakes. */
  private static final List<String> ATTRIBUTES =
      List.of("rev", "revCount", "lastModified", "narHash");

  /**
   * Looks for the link in headers.
   *
   * @param headers the values of all {@code Link} headers of an answer
   * @param base what the answer was to
   * @return the first immutable link that makes sense
   */
  static Optional<ImmutableLink> in(List<String> headers, URI base) {
    return headers.stream().flatMap(header -> in(header, base).stream()).findFirst();
  }

  private static Optional<ImmutableLink> in(String header, URI base) {
    int open = header.indexOf('<');
    while (open >= 0) {
      int close = header.indexOf('>', open);
      if (close < 0) {
        return Optional.empty();
      }
      int end = endOfPart(header, close + 1, ',');
      if (isImmutable(header.substring(close + 1, end))) {
        Optional<ImmutableLink> link = parse(header.substring(open + 1, close), base);
        if (link.isPresent()) {
          return link;
        }
      }
      open = header.indexOf('<', end);
    }
    return Optional.empty();
  }

  /** Returns where a separator stands that is not in a quoted string, or the length. */
  private static int endOfPart(String text, int start, char separator) {
    boolean quoted = false;
    for (int i = start; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"') {
        quoted = !quoted;
      } else if (quoted && c == '\\') {
        i++;
      } else if (!quoted && c == separator) {
        return i;
      }
    }
    return text.length();
  }

  private static boolean isImmutable(String parameters) {
    int start = 0;
    while (start < parameters.length()) {
      int end = endOfPart(parameters, start, ';');
      String[] parameter = parameters.substring(start, end).split("=", 2);
      if (parameter.length == 2 && parameter[0].strip().equalsIgnoreCase("rel")) {
        // Further occurrences are ignored, says RFC 8288, section 3.3.
        String relations = parameter[1].strip().replace("\"", "").toLowerCase(Locale.ROOT);
        return List.of(relations.split(" ", -1)).contains("immutable");
      }
      start = end + 1;
    }
    return false;
  }

  private static Optional<ImmutableLink> parse(String target, URI base) {
    try {
      URI uri = base.resolve(target.startsWith("tarball+") ? target.substring(8) : target);
      Optional<String> revision = Optional.empty();
      List<String> rest = new ArrayList<>();
      for (String parameter : Optional.ofNullable(uri.getRawQuery()).orElse("").split("&", -1)) {
        String name = parameter.split("=", 2)[0];
        if (parameter.startsWith("rev=")) {
          revision = Optional.of(parameter.substring("rev=".length()));
        }
        if (!ATTRIBUTES.contains(name) && !parameter.isEmpty()) {
          rest.add(parameter);
        }
      }
      revision =
          revision
              .filter(text -> Reference.COMMIT.matcher(text).matches())
              .map(text -> text.toLowerCase(Locale.ROOT));
      String address = uri.toString().split("[?#]", 2)[0];
      URI tarball = URI.create(rest.isEmpty() ? address : address + "?" + String.join("&", rest));
      return Http.isHttp(tarball)
          ? Optional.of(new ImmutableLink(tarball, revision))
          : Optional.empty();
    } catch (IllegalArgumentException e) {
      return Optional.empty(); // not a URI: as good as no link
    }
  }
}

package nixery.source.channel;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a tarball is that never changes, as a server tells in the header {@code Link:
 * <https://…/nixexprs.tar.xz?rev=…&lastModified=…>; rel="immutable"}. That is the Lockable HTTP
 * Tarball Protocol of the Nix manual, in the syntax of RFC 8288, section 3.
 *
 * @param tarball the address without the attributes that are meant for Nix
 * @param revision the commit of which the tarball is made, if the server tells it
 */
record ImmutableLink(URI tarball, Optional<String> revision) {

  /** A target in angle brackets and its parameters, quoted strings being taken as they are. */
  private static final Pattern LINK =
      Pattern.compile("\\s*<([^>]*)>((?:[^,\"]|\"(?:[^\"\\\\]|\\\\.)*\")*)(?:,|$)");

  private static final Pattern PARAMETER =
      Pattern.compile(
          "\\s*;\\s*([^=;,\"\\s]*)\\s*(?:=\\s*(?:\"((?:[^\"\\\\]|\\\\.)*)\"|([^\\s;,\"]*)))?");

  /** What a tarball reference can say about itself; see "tarball" in the manual on flakes. */
  private static final List<String> ATTRIBUTES =
      List.of("rev", "revCount", "lastModified", "narHash");

  /** The longest header that is looked at. */
  private static final int MAX_LENGTH = 2048;

  /**
   * Looks for the link in headers.
   *
   * @param headers the values of all {@code Link} headers of an answer
   * @param base what the answer was to
   * @return the first immutable link that makes sense
   */
  static Optional<ImmutableLink> in(List<String> headers, URI base) {
    for (String header : headers) {
      if (header.length() > MAX_LENGTH) {
        continue;
      }
      Matcher link = LINK.matcher(header);
      while (link.lookingAt()) {
        if (isImmutable(link.group(2))) {
          Optional<ImmutableLink> parsed = parse(link.group(1), base);
          if (parsed.isPresent()) {
            return parsed;
          }
        }
        link.region(link.end(), header.length());
        if (link.regionStart() == header.length()) {
          break;
        }
      }
    }
    return Optional.empty();
  }

  private static boolean isImmutable(String parameters) {
    Matcher parameter = PARAMETER.matcher(parameters);
    while (parameter.lookingAt()) {
      if (parameter.group(1).equalsIgnoreCase("rel")) {
        // Further occurrences are ignored, says RFC 8288, section 3.3.
        String relations = parameter.group(2) == null ? parameter.group(3) : parameter.group(2);
        return relations != null
            && List.of(relations.toLowerCase(Locale.ROOT).split(" ", -1)).contains("immutable");
      }
      parameter.region(parameter.end(), parameters.length());
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

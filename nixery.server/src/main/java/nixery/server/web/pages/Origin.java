package nixery.server.web.pages;

import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.ServerRequest;
import java.net.URI;
import java.util.Optional;

/** Tells requests that a page of another site has made in a browser from all others. */
final class Origin {

  private static final HeaderName FETCH_SITE = HeaderNames.create("Sec-Fetch-Site");

  private Origin() {}

  /**
   * Tells whether a request comes from a page of this server, from a person, or from no browser.
   * Browsers say so in {@code Sec-Fetch-Site} where they trust the connection, and in {@code
   * Origin} elsewhere; other programs say nothing.
   */
  static boolean isSame(ServerRequest request) {
    Optional<String> site = request.headers().first(FETCH_SITE);
    if (site.isPresent()) {
      return site.get().equals("same-origin") || site.get().equals("none");
    }
    Optional<String> host = request.headers().first(HeaderNames.HOST);
    return request
        .headers()
        .first(HeaderNames.ORIGIN)
        .map(origin -> host.isPresent() && host.get().equalsIgnoreCase(authority(origin)))
        .orElse(true);
  }

  private static String authority(String origin) {
    try {
      return Optional.ofNullable(URI.create(origin).getRawAuthority()).orElse("");
    } catch (IllegalArgumentException e) {
      return "";
    }
  }
}

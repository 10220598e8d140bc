package nixery.source.channel;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Locale;
import java.util.Optional;

/**
 * An address below which things are published.
 *
 * @param address without credentials and without a slash at the end
 * @param authorization the value of the header {@code Authorization}, if the address as it was
 *     configured had a user name in it
 */
record BaseUrl(URI address, Optional<String> authorization) {

  static BaseUrl of(URI configured) {
    String path = configured.getRawPath();
    while (path.endsWith("/")) {
      path = path.substring(0, path.length() - 1);
    }
    String port = configured.getPort() < 0 ? "" : ":" + configured.getPort();
    String origin = configured.getScheme() + "://" + configured.getHost() + port;
    return new BaseUrl(
        URI.create(origin.toLowerCase(Locale.ROOT) + path),
        Optional.ofNullable(configured.getUserInfo()).map(BaseUrl::basic));
  }

  private static String basic(String userInfo) {
    // RFC 7617, section 2.1: UTF-8 is what servers that care expect.
    return "Basic " + Base64.getEncoder().encodeToString(userInfo.getBytes(StandardCharsets.UTF_8));
  }

  /** Returns the address of something below, given by a path that needs no quoting. */
  URI resolve(String path) {
    return URI.create(address + "/" + path);
  }

  /** Tells whether something is published by the same server, which may see the credentials. */
  boolean isSameOrigin(URI other) {
    return address.getScheme().equalsIgnoreCase(other.getScheme())
        && address.getHost().equalsIgnoreCase(other.getHost())
        && address.getPort() == other.getPort();
  }

  /** Returns the address without credentials. */
  @Override
  public String toString() {
    return address.toString();
  }
}

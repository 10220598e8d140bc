package nixery.server.popularity;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import nixery.api.ConfigurationException;

/** Where popularity data are published. */
public sealed interface PopularityAddress {

  /** RFC 3986, section 3.1. One letter may be the drive of a path. */
  Pattern SCHEME = Pattern.compile("[a-zA-Z][a-zA-Z0-9+.-]+:.*");

  /**
   * A file on this machine.
   *
   * @param path absolute
   */
  record File(Path path) implements PopularityAddress {
    @Override
    public String toString() {
      return path.toString();
    }
  }

  /**
   * A file on a web server.
   *
   * @param uri an http or https address without credentials
   */
  record Web(URI uri) implements PopularityAddress {
    /** Leaves out the query, which may hold a secret. */
    @Override
    public String toString() {
      return uri.getScheme() + "://" + uri.getRawAuthority() + uri.getRawPath();
    }
  }

  /**
   * Reads an address.
   *
   * @param setting the name of the variable, for messages
   * @param text an http, https or file URL, or a path
   * @return the address
   * @throws ConfigurationException if it is none of these
   */
  static PopularityAddress parse(String setting, String text) {
    try {
      if (!SCHEME.matcher(text).matches()) {
        return new File(Path.of(text).toAbsolutePath().normalize());
      }
      URI uri = new URI(text);
      String scheme = uri.getScheme().toLowerCase(Locale.ROOT);
      if (scheme.equals("file")) {
        return new File(Path.of(uri));
      }
      if (Set.of("http", "https").contains(scheme)
          && uri.getHost() != null
          && uri.getRawUserInfo() == null) {
        return new Web(uri);
      }
    } catch (URISyntaxException | InvalidPathException e) {
      throw malformed(setting, e);
    } catch (IllegalArgumentException e) {
      throw malformed(setting, e); // a file URL with a host, for one
    }
    throw malformed(setting, null);
  }

  private static ConfigurationException malformed(String setting, Exception cause) {
    // The value may hold a password.
    return new ConfigurationException(
        setting + " must be an http, https or file URL without user name and password, or a path.",
        cause);
  }
}

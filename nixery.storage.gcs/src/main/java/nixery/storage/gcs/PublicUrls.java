package nixery.storage.gcs;

import java.net.URI;
import nixery.api.storage.Key;

/** Addresses at which everybody can read the objects at any time. */
final class PublicUrls implements DownloadUrls {

  private final String base;

  PublicUrls(URI base, String prefix) {
    String text = base.toString();
    this.base = (text.endsWith("/") ? text : text + "/") + prefix;
  }

  @Override
  public URI of(Key key) {
    return URI.create(base + key); // Keys and prefixes need no quoting.
  }
}

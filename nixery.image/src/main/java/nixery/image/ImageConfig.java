package nixery.image;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * How an image is to be run.
 *
 * @param architecture what its programs are for
 * @param cmd the default command; empty if there is none
 * @param env the environment
 */
public record ImageConfig(
    Architecture architecture, List<String> cmd, SortedMap<String, String> env) {

  private static final String CERTIFICATES = "/etc/ssl/certs/ca-bundle.crt";

  /** Copies the collections. */
  public ImageConfig {
    cmd = List.copyOf(cmd);
    env = Collections.unmodifiableSortedMap(new TreeMap<>(env));
  }

  /**
   * Returns a configuration with the environment that programs from Nix packages expect: the usual
   * {@code PATH}, and the variables by which OpenSSL, Git and Nix find the TLS roots of {@code
   * cacert}.
   *
   * @param architecture what the image's programs are for
   * @param cmd the default command; empty for none
   * @return the configuration
   */
  public static ImageConfig of(Architecture architecture, List<String> cmd) {
    return new ImageConfig(
        architecture,
        cmd,
        new TreeMap<>(
            Map.of(
                // What Docker itself takes where an image says nothing.
                "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "SSL_CERT_FILE", CERTIFICATES,
                "GIT_SSL_CAINFO", CERTIFICATES,
                "NIX_SSL_CERT_FILE", CERTIFICATES)));
  }
}

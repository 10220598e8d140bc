package nixery.server.registry;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import nixery.server.metrics.Route;

/**
 * What a request path denotes: the endpoints of the <a
 * href="https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#endpoints">OCI
 * distribution specification</a>.
 */
sealed interface Endpoint {

  /** A dot that is encoded. */
  Pattern ENCODED_DOT = Pattern.compile("%2[eE]");

  /** A slash that is encoded. */
  Pattern ENCODED_SLASH = Pattern.compile("%2[fF]");

  /** The parameters of a segment. */
  Pattern PARAMETERS = Pattern.compile(";[^/]*");

  /** A segment that is {@code .} or {@code ..}. */
  Pattern DOTS = Pattern.compile("(?:^|/)\\.\\.?(?:/|$)");

  /** {@code /v2/}: does this registry speak the protocol? */
  record Base() implements Endpoint {}

  /** {@code /v2/<name>/manifests/<reference>}. */
  record ManifestOf(RepositoryName name, Reference reference) implements Endpoint {}

  /** {@code /v2/<name>/blobs/<digest>}. */
  record BlobOf(RepositoryName name, Reference.ByDigest digest) implements Endpoint {}

  /** {@code /v2/<name>/tags/list}. */
  record TagsOf(RepositoryName name) implements Endpoint {}

  /** {@code /v2/<name>/referrers/<digest>}. */
  record ReferrersOf(RepositoryName name, Reference.ByDigest digest) implements Endpoint {}

  /** {@code /v2/<name>/blobs/uploads/}, where other registries take blobs. */
  record UploadsTo(RepositoryName name) implements Endpoint {}

  /** Returns what metrics call it. */
  default Route route() {
    return switch (this) {
      case Base _ -> Route.BASE;
      case ManifestOf _ -> Route.MANIFEST;
      case BlobOf _ -> Route.BLOB;
      case TagsOf _ -> Route.TAGS;
      case ReferrersOf _ -> Route.REFERRERS;
      case UploadsTo _ -> Route.OTHER;
    };
  }

  /**
   * Reads a path. A name can have components called {@code blobs} or {@code tags}, so the end of
   * the path decides.
   *
   * @param rawPath as received, without the query
   * @return the endpoint
   * @throws Failure {@link FailureCode#NOT_FOUND}, or whatever is wrong with name, reference or
   *     digest
   */
  static Endpoint parse(String rawPath) {
    List<String> segments = List.of(decode(withoutAuthority(rawPath)).split("/", -1));
    if (segments.size() < 2 || !segments.get(0).isEmpty() || !segments.get(1).equals("v2")) {
      throw notFound();
    }
    List<String> rest = segments.subList(2, segments.size());
    if (rest.isEmpty() || rest.equals(List.of(""))) {
      return new Base();
    }
    int count = rest.size();
    String last = rest.getLast();
    String marker = count < 2 ? "" : rest.get(count - 2);
    if (marker.equals("tags") && last.equals("list")) {
      return new TagsOf(name(rest, 2));
    }
    if (marker.equals("manifests")) {
      return new ManifestOf(name(rest, 2), Reference.parse(last));
    }
    if (marker.equals("referrers")) {
      return new ReferrersOf(name(rest, 2), Reference.parseDigest(last));
    }
    if (marker.equals("blobs") && last.equals("uploads")) {
      return new UploadsTo(name(rest, 2));
    }
    if (marker.equals("blobs")) {
      return new BlobOf(name(rest, 2), Reference.parseDigest(last));
    }
    if (count > 2 && marker.equals("uploads") && rest.get(count - 3).equals("blobs")) {
      return new UploadsTo(name(rest, 3));
    }
    throw notFound();
  }

  /**
   * Tells whether a path means the same to all who read it: it has no segment that is empty, but
   * for the last, and none that is {@code .} or {@code ..}, whether encoded or with parameters (RFC
   * 3986, section 3.3).
   *
   * @param rawPath as received, without the query
   */
  static boolean isPlain(String rawPath) {
    String path = withoutAuthority(rawPath);
    path = ENCODED_DOT.matcher(path).replaceAll(".");
    path = ENCODED_SLASH.matcher(path).replaceAll("/");
    path = PARAMETERS.matcher(path).replaceAll("");
    return !path.contains("//") && !DOTS.matcher(path).find();
  }

  /**
   * Tells whether a path is one of the registry's, however it is written.
   *
   * @param rawPath as received, without the query
   */
  static boolean isOfRegistry(String rawPath) {
    try {
      String path = decode(withoutAuthority(rawPath));
      return path.equals("/v2") || path.startsWith("/v2/");
    } catch (Failure e) {
      return false;
    }
  }

  private static RepositoryName name(List<String> segments, int markers) {
    return new RepositoryName(String.join("/", segments.subList(0, segments.size() - markers)));
  }

  /** Decodes once: what is encoded twice stays invalid. A plus is a plus in a path. */
  private static String decode(String path) {
    try {
      return URLDecoder.decode(path.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw new Failure(
          FailureCode.NAME_INVALID, "The path has a percent sign without two digits.", e);
    }
  }

  /** Takes the absolute form of a request target (RFC 9112, section 3.2.2) for its path. */
  private static String withoutAuthority(String path) {
    String lower = path.toLowerCase(Locale.ROOT);
    if (!lower.startsWith("http://") && !lower.startsWith("https://")) {
      return path;
    }
    int slash = path.indexOf('/', path.indexOf("//") + 2);
    return slash < 0 ? "/" : path.substring(slash);
  }

  private static Failure notFound() {
    return new Failure(
        FailureCode.NOT_FOUND,
        "There is no such page. Images are at /v2/<name>/manifests/<tag>; pull them with a"
            + " container client.");
  }
}

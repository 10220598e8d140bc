package nixery.source.git;

import java.net.URISyntaxException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.eclipse.jgit.transport.URIish;

/**
 * Where a repository is. Three kinds are accepted: http and https URLs; ssh URLs and {@code
 * user@host:path}; local paths and file URLs. Immutable.
 *
 * <p>{@link #toString} is the address without credentials, normalised: it is both what people are
 * shown and the identity of the source.
 */
final class RepositoryAddress {

  /** What can be expected of the other side. */
  enum Kind {
    HTTP,
    SSH,
    LOCAL
  }

  private static final Map<String, Integer> DEFAULT_PORTS =
      Map.of("http", 80, "https", 443, "ssh", 22);

  /** See gitremote-helpers(7). */
  private static final Pattern TRANSPORT_HELPER = Pattern.compile("^[A-Za-z0-9][A-Za-z0-9+.-]*::");

  private static final Pattern SCHEME = Pattern.compile("^[A-Za-z][A-Za-z0-9+.-]*://");

  private static final int SHORTEST_TOKEN = 12;

  private final String text;
  private final URIish uri;
  private final Kind kind;
  private final String shown;

  private RepositoryAddress(String text, URIish uri, Kind kind, String shown) {
    this.text = text;
    this.uri = uri;
    this.kind = kind;
    this.shown = shown;
  }

  /**
   * Reads an address.
   *
   * @param text as git would take it
   * @return the address
   * @throws IllegalArgumentException if it is not one of the accepted kinds; the message is a
   *     sentence without the address
   */
  static RepositoryAddress parse(String text) {
    if (text.isBlank() || text.chars().anyMatch(c -> c < ' ' || c == 0x7f)) {
      throw new IllegalArgumentException("the address is empty or has control characters in it.");
    }
    if (TRANSPORT_HELPER.matcher(text).find()) {
      throw unacceptable();
    }
    URIish uri;
    try {
      // JGit takes upper-case schemes for paths.
      uri = new URIish(SCHEME.matcher(text).replaceFirst(m -> m.group().toLowerCase(Locale.ROOT)));
    } catch (URISyntaxException e) {
      throw unacceptable();
    }
    Kind kind = kind(uri);
    if (kind != Kind.LOCAL) {
      if (uri.getHost() == null || uri.getHost().isEmpty() || uri.getHost().startsWith("-")) {
        throw unacceptable();
      }
      // Not even a decoded one can then end up in the protocol of "git credential".
      if (Stream.of(uri.getHost(), uri.getPath(), uri.getUser(), uri.getPass())
          .anyMatch(part -> part != null && part.chars().anyMatch(c -> c < ' '))) {
        throw new IllegalArgumentException("the address has encoded control characters in it.");
      }
    }
    if (kind == Kind.HTTP && (uri.getRawPath().contains("?") || uri.getRawPath().contains("#"))) {
      throw new IllegalArgumentException("the address must have no query and no fragment.");
    }
    try {
      return new RepositoryAddress(text, uri, kind, show(uri, kind));
    } catch (InvalidPathException e) {
      throw unacceptable();
    }
  }

  private static IllegalArgumentException unacceptable() {
    return new IllegalArgumentException(
        "the address must be an https, http, ssh or file URL, a path, or host:path.");
  }

  private static Kind kind(URIish uri) {
    if (uri.getScheme() == null) {
      if (SCHEME.matcher(uri.toString()).find()) {
        throw unacceptable();
      }
      return uri.getHost() == null ? Kind.LOCAL : Kind.SSH;
    }
    return switch (uri.getScheme()) {
      case "http", "https" -> Kind.HTTP;
      case "ssh", "git+ssh", "ssh+git" -> Kind.SSH;
      case "file" -> Kind.LOCAL;
      default -> throw unacceptable();
    };
  }

  private static String show(URIish uri, Kind kind) {
    if (kind == Kind.LOCAL) {
      return "file://" + localPath(uri);
    }
    String scheme = kind == Kind.SSH ? "ssh" : uri.getScheme();
    // The user of an http address may be a token; the user of an ssh address is part of it.
    String user = kind == Kind.SSH && uri.getUser() != null ? uri.getUser() + "@" : "";
    String host = uri.getHost().toLowerCase(Locale.ROOT);
    String path = uri.getRawPath().replaceAll("/+$", "");
    if (uri.getScheme() == null && !path.startsWith("/")) {
      return user + host + ":" + path;
    }
    boolean usual = uri.getPort() < 0 || uri.getPort() == DEFAULT_PORTS.get(scheme);
    return scheme
        + "://"
        + user
        + (host.contains(":") && !host.startsWith("[") ? "[" + host + "]" : host)
        + (usual ? "" : ":" + uri.getPort())
        + (path.startsWith("/") || path.isEmpty() ? "" : "/")
        + path;
  }

  private static Path localPath(URIish uri) {
    return Path.of(uri.getPath()).toAbsolutePath().normalize();
  }

  Kind kind() {
    return kind;
  }

  /** Returns the host; empty for local repositories. */
  String host() {
    return kind == Kind.LOCAL ? "" : uri.getHost();
  }

  /** Returns the path of a local repository. */
  Path localPath() {
    return localPath(uri);
  }

  /** Returns what JGit should connect to: the address without password, and user if over http. */
  URIish withoutCredentials() {
    return kind == Kind.HTTP ? uri.setUser(null).setPass(null) : uri.setPass(null);
  }

  /** Returns the user in the address. */
  Optional<String> user() {
    return Optional.ofNullable(uri.getUser()).filter(user -> !user.isEmpty());
  }

  /** Returns the password in the address. */
  Optional<String> password() {
    return Optional.ofNullable(uri.getPass()).filter(password -> !password.isEmpty());
  }

  /**
   * Returns what must not be shown of the address, as it is written and decoded: the password, and
   * the user of an http address if it is so long that it may be a token. (Replacing each {@code
   * git} in a message would help nobody.)
   */
  Set<String> secrets() {
    Set<String> secrets = new LinkedHashSet<>();
    password().ifPresent(secrets::add);
    int start = text.indexOf("://") + 3;
    int at = text.lastIndexOf('@');
    String[] written =
        start >= 3 && at > start ? text.substring(start, at).split(":", 2) : new String[0];
    if (written.length == 2) {
      secrets.add(written[1]);
    }
    if (kind == Kind.HTTP) {
      Stream.concat(user().stream(), Stream.of(written).limit(1))
          .filter(user -> user.length() >= SHORTEST_TOKEN)
          .forEach(secrets::add);
    }
    secrets.removeIf(String::isEmpty);
    return secrets;
  }

  /** Returns what a function makes of the address as it was written. */
  RepositoryAddress rewrite(UnaryOperator<String> function) {
    String rewritten = function.apply(text);
    return rewritten.equals(text) ? this : parse(rewritten);
  }

  /**
   * Finds the address of a submodule.
   *
   * @param address as {@code .gitmodules} has it; relative to this repository if it begins with
   *     {@code ./} or {@code ../}
   * @return the address; with the credentials of this one if it is relative
   * @throws IllegalArgumentException if it is not acceptable, or is local although this one is not:
   *     a repository elsewhere must not make the server read its own files
   */
  RepositoryAddress submodule(String address) {
    if (address.startsWith("-")) {
      throw unacceptable();
    }
    boolean relative = address.startsWith("./") || address.startsWith("../");
    RepositoryAddress found = parse(relative ? relativeTo(text, address) : address);
    if (found.kind == Kind.LOCAL && kind != Kind.LOCAL) {
      throw new IllegalArgumentException("a local path is not accepted here.");
    }
    return found;
  }

  /**
   * Does as git's {@code relative_url} in remote.c: each {@code ../} takes off what follows the
   * last slash, or the last colon where there is no slash left.
   */
  private static String relativeTo(String base, String address) {
    String left = base.replaceAll("/+$", "");
    String right = address;
    char separator = '/';
    while (true) {
      if (right.startsWith("./")) {
        right = right.substring(2);
      } else if (right.startsWith("../")) {
        right = right.substring(3);
        int cut = left.lastIndexOf('/');
        separator = '/';
        if (cut < 0) {
          cut = left.lastIndexOf(':');
          separator = ':';
        }
        if (cut < 0 || left.startsWith("://", cut - 2) || left.startsWith("://", cut - 1)) {
          throw new IllegalArgumentException("it leads out of its host.");
        }
        left = left.substring(0, cut);
      } else {
        return left + separator + right;
      }
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof RepositoryAddress address && text.equals(address.text);
  }

  @Override
  public int hashCode() {
    return text.hashCode();
  }

  @Override
  public String toString() {
    return shown;
  }
}

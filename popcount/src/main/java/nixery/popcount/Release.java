package nixery.popcount;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import nixery.image.StorePath;
import org.tukaani.xz.XZInputStream;

/**
 * What a channel pointed to when it was asked for: {@code BASE/CHANNEL/store-paths.xz} redirects to
 * a file of a release, which lists all its store paths. Which commit the release is, an immutable
 * link says (the Lockable HTTP Tarball Protocol of the Nix manual), or else the file {@code
 * git-revision} beside it.
 *
 * @param revision the commit, 40 lower-case hexadecimal digits
 * @param list the downloaded {@code store-paths.xz}
 */
record Release(String revision, Path list) {

  /** Names of channels that are safe in URLs. */
  static final Pattern CHANNEL = Pattern.compile("[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}");

  private static final Pattern COMMIT = Pattern.compile("[0-9a-fA-F]{40}");
  private static final Pattern IMMUTABLE =
      Pattern.compile(
          "<[^>]*[?&]rev=([0-9a-fA-F]{40})(?![0-9a-fA-F])[^>]*>\\s*;\\s*rel=\"?immutable\"?");

  private static final String LIST = "store-paths.xz";

  /** In bytes; nixpkgs' has some 5 MB. */
  private static final long LARGEST_LIST = 64L << 20;

  private static final int MOST_PATHS = 1_000_000;
  private static final int LONGEST_LINE = 300;

  /** In KiB: what the dictionary of {@code xz -9} needs. */
  private static final int MEMORY = 70 << 10;

  /**
   * Asks what a channel points to, and fetches the list.
   *
   * @param http fetches
   * @param base where channels are published
   * @param channel its name
   * @param file where to put the list
   * @throws PopcountException if there is no such channel or no answer
   * @throws InterruptedException if the thread was interrupted
   */
  static Release fetch(Http http, URI base, String channel, Path file) throws InterruptedException {
    Http.Answer<Path> list = http.download(below(base, channel + "/" + LIST), file, LARGEST_LIST);
    if (list.status() == 404 || list.status() == 410) {
      throw new PopcountException("There is no channel '%s' at %s.".formatted(channel, base));
    }
    if (list.body().isEmpty()) {
      throw new PopcountException(
          "%s answers status %d.".formatted(Http.show(list.uri()), list.status()));
    }
    Optional<String> linked = linkedRevision(list.hops());
    return new Release(
        linked.isPresent() ? linked.get() : readRevision(http, list.uri().resolve("git-revision")),
        file);
  }

  /** Returns the address of something below another. */
  static URI below(URI base, String path) {
    String text = base.toString();
    return URI.create((text.endsWith("/") ? text : text + "/") + path);
  }

  private static Optional<String> linkedRevision(List<HttpHeaders> hops) {
    return hops.stream()
        .flatMap(headers -> headers.allValues("Link").stream())
        .map(IMMUTABLE::matcher)
        .filter(Matcher::find)
        .map(found -> found.group(1).toLowerCase(Locale.ROOT))
        .findFirst();
  }

  private static String readRevision(Http http, URI uri) throws InterruptedException {
    String text =
        http.get(uri, 1000)
            .body()
            .map(bytes -> new String(bytes, StandardCharsets.UTF_8).strip())
            .orElse("");
    if (!COMMIT.matcher(text).matches()) {
      throw new PopcountException(Http.show(uri) + " does not say of which commit the release is.");
    }
    return text.toLowerCase(Locale.ROOT);
  }

  /**
   * Reads the list.
   *
   * @param each is given each path in order
   * @throws PopcountException if it is not such a list, or too long
   */
  void forEachPath(Consumer<StorePath> each) {
    int number = 0;
    try (InputStream compressed = Files.newInputStream(list);
        LineReader lines = new LineReader(new XZInputStream(compressed, MEMORY), LONGEST_LINE)) {
      while (lines.advance()) {
        number++;
        if (number > MOST_PATHS) {
          throw new PopcountException(LIST + " has more than " + MOST_PATHS + " lines.");
        }
        each.accept(path(lines));
      }
    } catch (IOException e) {
      throw new PopcountException(LIST + " cannot be unpacked: " + reason(e) + ".", e);
    } catch (IllegalArgumentException e) {
      throw new PopcountException("Line %d of %s is no store path.".formatted(number, LIST), e);
    }
  }

  private static StorePath path(LineReader lines) {
    String line = lines.line();
    if (!lines.isWhole() || !line.startsWith(StorePath.STORE_DIRECTORY + "/")) {
      throw new IllegalArgumentException("not a line with a path in the store");
    }
    return StorePath.parse(line);
  }

  /** Not all of the library's exceptions have a message. */
  private static String reason(IOException e) {
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }
}

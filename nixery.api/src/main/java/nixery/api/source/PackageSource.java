package nixery.api.source;

import java.time.Duration;
import java.util.List;

/**
 * Turns the tag of an image into a Nix package set. All methods are thread-safe and may block, but
 * never without a deadline.
 */
public interface PackageSource extends AutoCloseable {

  /**
   * Returns what tells this source from every other: two sources with the same identity give the
   * same package set for the same revision. It becomes part of the keys of what is kept in the
   * storage and is shown to people.
   *
   * @return a text without secrets, such as the address of a repository without credentials
   */
  String identity();

  /**
   * Finds out what a tag means at this moment. It is called when a tag is asked for that was not
   * asked for in the last minutes, and then as often as {@link #freshness} says, and so should cost
   * at most one short exchange with a remote host.
   *
   * @param tag the tag of the image, as the client sent it: 1 to 128 letters, digits, dots, hyphens
   *     and underscores, the first no dot or hyphen; {@code latest} if the client did not choose. A
   *     text of any other form is an unknown tag.
   * @return what the tag means
   * @throws UnknownTagException if the source has nothing by that name
   * @throws SourceUnavailableException if it cannot be found out now
   */
  ResolvedTag resolve(String tag);

  /**
   * Says how old an answer of {@link #resolve} that has a revision may become. As long as a tag is
   * in use, the server asks for it again that often, in the background, and goes by the last
   * answer; a {@link SourceUnavailableException} leaves it at that.
   *
   * @return the same each time and not negative; zero if resolving is as cheap as remembering is,
   *     so that it is done for every manifest that is asked for by tag
   */
  default Duration freshness() {
    return Duration.ofSeconds(10);
  }

  /**
   * Makes the package set available on disk. It is called when an image has to be evaluated.
   *
   * @param resolved a result of {@link #resolve} of this source
   * @return the package set, for the caller to close
   * @throws UnknownTagException if the source no longer has it
   * @throws SourceUnavailableException if it cannot be fetched now
   * @throws InvalidPackageSetException if what is there is no package set
   */
  PackageSet checkout(ResolvedTag resolved);

  /**
   * Lists tags that {@link #resolve} knows, for people to choose from. Tags that are no valid image
   * tags are left out.
   *
   * @return the tags, sorted, each once
   * @throws SourceUnavailableException if they cannot be found out now
   */
  List<String> tags();

  /** Gives up connections and temporary files. No other method is called afterwards. */
  @Override
  void close();
}

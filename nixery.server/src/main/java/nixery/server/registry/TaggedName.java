package nixery.server.registry;

import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;

/**
 * The name and tag of an image, both well-formed.
 *
 * @param name of the repository, such as {@code shell/git}
 * @param tag such as {@code latest}
 */
public record TaggedName(String name, String tag) {

  /**
   * Checks name and tag as the registry does.
   *
   * @param name what should be the name of a repository
   * @param tag what should be a tag
   * @return both
   * @throws Failure {@link FailureCode#NAME_INVALID} or {@link FailureCode#REFERENCE_INVALID}
   */
  public static TaggedName parse(String name, String tag) {
    String checked = new RepositoryName(name).value();
    if (!Reference.TAG.matcher(tag).matches()) {
      throw new Failure(
          FailureCode.REFERENCE_INVALID,
          "\""
              + Text.printable(tag)
              + "\" is not a tag: a tag has at most 128 letters, digits, underscores, periods and"
              + " hyphens, and does not begin with a period or hyphen.");
    }
    return new TaggedName(checked, tag);
  }
}

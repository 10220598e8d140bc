package nixery.server.registry;

import java.util.regex.Pattern;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;

/**
 * The name of a repository by the grammar of the <a
 * href="https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pulling-manifests">OCI
 * distribution specification</a>. It has no upper case; that is also what Docker's clients insist
 * on.
 *
 * @param value one or more components, separated by slashes
 */
record RepositoryName(String value) {

  /** Clients count the host name in; registries do not. */
  static final int MAX_LENGTH = 255;

  private static final String COMPONENT = "[a-z0-9]++(?:(?:\\.|_|__|-++)[a-z0-9]++)*+";
  private static final Pattern GRAMMAR = Pattern.compile(COMPONENT + "(?:/" + COMPONENT + ")*+");

  /**
   * Checks the form.
   *
   * @throws Failure {@link FailureCode#NAME_INVALID}
   */
  RepositoryName {
    if (value.length() > MAX_LENGTH) {
      throw new Failure(
          FailureCode.NAME_INVALID,
          "A repository name has at most " + MAX_LENGTH + " characters; ask for fewer packages.");
    }
    if (!GRAMMAR.matcher(value).matches()) {
      throw new Failure(
          FailureCode.NAME_INVALID,
          "\""
              + Text.printable(value)
              + "\" is not a repository name: its parts consist of a-z and 0-9 with single periods,"
              + " one or two underscores, or hyphens between them.");
    }
  }
}

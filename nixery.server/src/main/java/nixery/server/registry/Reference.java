package nixery.server.registry;

import java.util.regex.Pattern;
import nixery.image.Digest;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;

/**
 * What a manifest, blob or referrer is asked for by. The grammar is that of the <a
 * href="https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pulling-manifests">OCI
 * distribution specification</a>.
 */
sealed interface Reference {

  /**
   * A name that may mean another manifest tomorrow.
   *
   * @param text at most 128 characters
   */
  record Tag(String text) implements Reference {}

  /** A digest: what it denotes never changes. */
  sealed interface ByDigest extends Reference {}

  /**
   * A digest of the kind that this registry computes.
   *
   * @param digest a SHA-256
   */
  record Known(Digest digest) implements ByDigest {}

  /**
   * A well-formed digest of a kind that nothing here is stored under.
   *
   * @param text such as {@code sha512:<hex>}
   */
  record Foreign(String text) implements ByDigest {}

  /** The grammar of tags. */
  Pattern TAG = Pattern.compile("[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}");

  /** What others compute: the algorithms that the OCI image specification and Go's library know. */
  Pattern FOREIGN = Pattern.compile("sha512:[0-9a-f]{128}|sha384:[0-9a-f]{96}|blake3:[0-9a-f]{64}");

  /**
   * Reads what stands for tag or digest in the address of a manifest.
   *
   * @param text decoded
   * @return the reference
   * @throws Failure {@link FailureCode#REFERENCE_INVALID}, or {@link FailureCode#DIGEST_INVALID} if
   *     it looks like a digest; {@link FailureCode#MANIFEST_UNKNOWN} if it begins with a period: no
   *     tag does, but the conformance suite of the specification asks for {@code
   *     .INVALID_MANIFEST_NAME} and insists on status 404
   */
  static Reference parse(String text) {
    if (text.contains(":")) {
      return parseDigest(text);
    }
    if (TAG.matcher(text).matches()) {
      return new Tag(text);
    }
    if (text.startsWith(".")) {
      throw new Failure(
          FailureCode.MANIFEST_UNKNOWN,
          "There is no tag \"" + Text.printable(text) + "\": no tag begins with a period.");
    }
    throw new Failure(
        FailureCode.REFERENCE_INVALID,
        "\""
            + Text.printable(text)
            + "\" is not a tag: a tag has at most 128 letters, digits, underscores, periods and"
            + " hyphens, and does not begin with a period or hyphen.");
  }

  /**
   * Reads a digest.
   *
   * @param text decoded
   * @return the digest
   * @throws Failure {@link FailureCode#DIGEST_INVALID}
   */
  static ByDigest parseDigest(String text) {
    if (FOREIGN.matcher(text).matches()) {
      return new Foreign(text);
    }
    return new Known(
        Digest.parse(text)
            .orElseThrow(() ->
                new Failure(
                    FailureCode.DIGEST_INVALID,
                    "\""
                        + Text.printable(text)
                        + "\" is not a digest: write sha256: and 64 hexadecimal digits in lower"
                        + " case.")));
  }
}

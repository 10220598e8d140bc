package nixery.image;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The SHA-256 digest of a blob or manifest, written {@code sha256:<hex>}. See "Digests" in the <a
 * href="https://github.com/opencontainers/image-spec/blob/v1.1.0/descriptor.md#digests">OCI image
 * specification</a>.
 *
 * @param hex 64 lower-case hexadecimal digits
 */
public record Digest(String hex) implements Comparable<Digest> {

  private static final String PREFIX = "sha256:";
  private static final Pattern HEX = Pattern.compile("[0-9a-f]{64}");

  /**
   * Checks the form.
   *
   * @throws IllegalArgumentException if these are not 64 lower-case hexadecimal digits
   */
  public Digest {
    if (!HEX.matcher(hex).matches()) {
      throw new IllegalArgumentException("not a SHA-256: " + hex);
    }
  }

  /**
   * Reads a digest.
   *
   * @param text what should be {@code sha256:<hex>}
   * @return the digest; empty if the text has another form or names another algorithm
   */
  public static Optional<Digest> parse(String text) {
    return text.startsWith(PREFIX) && HEX.matcher(text.substring(PREFIX.length())).matches()
        ? Optional.of(new Digest(text.substring(PREFIX.length())))
        : Optional.empty();
  }

  /**
   * Computes the digest of bytes in memory.
   *
   * @param bytes the content
   * @return its digest
   */
  public static Digest of(byte[] bytes) {
    return of(sha256(), bytes);
  }

  /**
   * Finishes a computation that was begun with {@link #sha256()}.
   *
   * @param computation what was fed; reset by this
   * @return the digest
   */
  public static Digest of(MessageDigest computation) {
    return new Digest(HexFormat.of().formatHex(computation.digest()));
  }

  private static Digest of(MessageDigest computation, byte[] bytes) {
    computation.update(bytes);
    return of(computation);
  }

  /** Returns a new SHA-256 computation. */
  public static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new LinkageError("every Java runtime has SHA-256", e);
    }
  }

  @Override
  public int compareTo(Digest other) {
    return hex.compareTo(other.hex);
  }

  @Override
  public String toString() {
    return PREFIX + hex;
  }
}

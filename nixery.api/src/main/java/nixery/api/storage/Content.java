package nixery.api.storage;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The bytes of an object that is to be stored, with length and SHA-256 known beforehand. They can
 * be read any number of times, so that the storage can try an upload again.
 */
public final class Content {

  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

  private final long length;
  private final String sha256;
  private final String mediaType;
  private final byte[] bytes;
  private final Optional<Path> file;

  private Content(long length, String sha256, String mediaType, byte[] bytes, Optional<Path> file) {
    if (length < 0 || !SHA256.matcher(sha256).matches()) {
      throw new IllegalArgumentException("length " + length + ", SHA-256 " + sha256);
    }
    this.length = length;
    this.sha256 = sha256;
    this.mediaType = Objects.requireNonNull(mediaType);
    this.bytes = bytes;
    this.file = file;
  }

  /**
   * Takes bytes in memory.
   *
   * @param bytes the content, copied
   * @param mediaType for storage that serves its objects over HTTP itself
   * @return the content
   */
  public static Content of(byte[] bytes, String mediaType) {
    try {
      String sha256 = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
      return new Content(bytes.length, sha256, mediaType, bytes.clone(), Optional.empty());
    } catch (NoSuchAlgorithmException e) {
      throw new LinkageError("every Java runtime has SHA-256", e);
    }
  }

  /**
   * Takes a finished file. It belongs to the storage from the call of {@link Storage#put} on, which
   * may move it away even if it fails then; what is left of it is for the caller to delete.
   *
   * @param file a regular file that nobody writes to any more
   * @param length its length in bytes
   * @param sha256 its SHA-256 in lower-case hexadecimal digits
   * @param mediaType for storage that serves its objects over HTTP itself
   * @return the content
   */
  public static Content ofFile(Path file, long length, String sha256, String mediaType) {
    return new Content(length, sha256, mediaType, new byte[0], Optional.of(file));
  }

  /** Returns the length in bytes. */
  public long length() {
    return length;
  }

  /** Returns the SHA-256 as 64 lower-case hexadecimal digits. */
  public String sha256() {
    return sha256;
  }

  /** Returns the media type under which storage that serves its objects itself should do so. */
  public String mediaType() {
    return mediaType;
  }

  /** Returns the file that may be moved into place instead of being copied, if there is one. */
  public Optional<Path> file() {
    return file;
  }

  /**
   * Opens the bytes from the beginning.
   *
   * @return a new stream, for the caller to close
   * @throws IOException if the file cannot be read
   */
  public InputStream open() throws IOException {
    return file.isPresent() ? Files.newInputStream(file.get()) : new ByteArrayInputStream(bytes);
  }
}

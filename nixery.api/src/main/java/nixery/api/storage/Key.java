package nixery.api.storage;

import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The name of an object or record in the storage, such as {@code blobs/e3b0c442…}: one or more
 * segments of lower-case letters, digits, dots, hyphens and underscores that begin with a letter or
 * digit, joined by slashes. A key is therefore also a relative path that is safe to use on any file
 * system and an object name that needs no quoting in a URL. At most {@value #MAX_LENGTH}
 * characters.
 *
 * <p>Keys do not exclude each other: there can be an object {@code a} and an object {@code a/b}.
 *
 * @param value the text
 */
public record Key(String value) implements Comparable<Key> {

  /** The longest key, in characters. */
  public static final int MAX_LENGTH = 200;

  private static final Pattern FORM =
      Pattern.compile("[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*");

  /**
   * Checks the form.
   *
   * @throws IllegalArgumentException if the text is no key
   */
  public Key {
    if (!isKey(value)) {
      throw new IllegalArgumentException("not a storage key: " + value);
    }
  }

  private static boolean isKey(String text) {
    return text.length() <= MAX_LENGTH && FORM.matcher(text).matches();
  }

  /**
   * Reads a key from a place where there may be other things, such as a listing.
   *
   * @param text what should be a key
   * @return the key; empty if the text is none
   */
  public static Optional<Key> parse(String text) {
    return isKey(text) ? Optional.of(new Key(text)) : Optional.empty();
  }

  /**
   * Joins segments with slashes.
   *
   * @param first the first segment
   * @param more the others
   * @return the key
   * @throws IllegalArgumentException if that is no key
   */
  public static Key of(String first, String... more) {
    return new Key(more.length == 0 ? first : first + "/" + String.join("/", more));
  }

  @Override
  public int compareTo(Key other) {
    return value.compareTo(other.value);
  }

  @Override
  public String toString() {
    return value;
  }
}

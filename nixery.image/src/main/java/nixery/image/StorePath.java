package nixery.image;

import java.util.regex.Pattern;

/**
 * The name of an object in the Nix store. The store directory is always {@value #STORE_DIRECTORY}.
 * The form is that of Nix's {@code src/libstore/path.cc}: 32 digits of Nix's base 32, a hyphen, and
 * a name.
 *
 * @param baseName what stands after the store directory, such as {@code
 *     3n58xw4373jp0ljirf06d8077j15pc4j-glibc-2.37-8}
 */
public record StorePath(String baseName) implements Comparable<StorePath> {

  /** The directory that store paths lie in. */
  public static final String STORE_DIRECTORY = "/nix/store";

  private static final int HASH_LENGTH = 32;

  /** Nix's base 32 has no e, o, t and u; of names that begin with a dot, some are forbidden. */
  private static final Pattern FORM =
      Pattern.compile("[0-9abcdfghijklmnpqrsvwxyz]{32}-(?!\\.\\.?(-|$))[0-9a-zA-Z+\\-._?=]{1,211}");

  /**
   * Checks the form.
   *
   * @throws IllegalArgumentException if this is not the base name of a store path
   */
  public StorePath {
    if (!FORM.matcher(baseName).matches()) {
      throw new IllegalArgumentException("not a store path: " + baseName);
    }
  }

  /**
   * Reads a store path.
   *
   * @param absoluteOrBase the path, with or without the store directory
   * @return the store path
   * @throws IllegalArgumentException if it has another form, or points below a store path
   */
  public static StorePath parse(String absoluteOrBase) {
    String prefix = STORE_DIRECTORY + "/";
    return new StorePath(
        absoluteOrBase.startsWith(prefix)
            ? absoluteOrBase.substring(prefix.length())
            : absoluteOrBase);
  }

  /** Returns the 32 digits of base 32. */
  public String hash() {
    return baseName.substring(0, HASH_LENGTH);
  }

  /** Returns what follows the hash, such as {@code glibc-2.37-8}. */
  public String name() {
    return baseName.substring(HASH_LENGTH + 1);
  }

  /**
   * Returns the name without version and what follows it, such as {@code glibc}: everything up to
   * the first hyphen that a character other than a letter follows, as in Nix's {@code
   * builtins.parseDrvName} ({@code src/libstore/names.cc}). Empty for a name that begins with such
   * a hyphen.
   */
  public String pname() {
    return pname(name());
  }

  /** Returns the part of a name, such as {@code glibc-2.37-8}, that {@link #pname()} returns. */
  static String pname(String name) {
    for (int i = 0; i + 1 < name.length(); i++) {
      if (name.charAt(i) == '-' && !isLetter(name.charAt(i + 1))) {
        return name.substring(0, i);
      }
    }
    return name;
  }

  private static boolean isLetter(char c) {
    return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z');
  }

  /** Orders by base name, that is by hash. */
  @Override
  public int compareTo(StorePath other) {
    return baseName.compareTo(other.baseName);
  }

  /** Returns the absolute path. */
  @Override
  public String toString() {
    return STORE_DIRECTORY + "/" + baseName;
  }
}

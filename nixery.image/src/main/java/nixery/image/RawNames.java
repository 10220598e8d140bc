package nixery.image;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * File names as what they are on Linux: bytes, written as strings with one character (ISO 8859-1)
 * for each byte. So they sort as bytes, and names that are not valid in any encoding survive.
 *
 * <p>{@link Path#toString} replaces what is not valid in {@code sun.jnu.encoding}, which is ASCII
 * in the POSIX locale. The path itself keeps the bytes, and {@link Path#toUri} tells them.
 */
final class RawNames {

  private RawNames() {}

  /** Returns the last name of a path. */
  static String last(Path path) {
    String text = path.getFileName().toString();
    if (isAscii(text)) {
      return text;
    }
    String bytes = bytes(path);
    return bytes.substring(bytes.lastIndexOf('/') + 1);
  }

  /** Returns all names of a path, without its root. */
  static List<String> names(Path path) {
    List<String> names = new ArrayList<>();
    path.forEach(name -> names.add(last(name)));
    return names;
  }

  /** Returns the text of a symbolic link, as it is in the file system. */
  static String linkText(Path target) {
    String text = target.toString();
    if (isAscii(text)) {
      return text;
    }
    String bytes = bytes(target);
    if (!target.isAbsolute()) {
      bytes = bytes.substring(bytes(Path.of("")).length() + 1);
    }
    return text.endsWith("/") ? bytes + "/" : bytes;
  }

  static byte[] toBytes(String name) {
    return name.getBytes(StandardCharsets.ISO_8859_1);
  }

  static boolean isAscii(String text) {
    return text.chars().allMatch(c -> c < 0x80);
  }

  /** Returns the bytes of the absolute path, without the slash that a URI adds to a directory. */
  private static String bytes(Path path) {
    String encoded = path.toUri().getRawPath();
    StringBuilder bytes = new StringBuilder();
    for (int i = 0; i < encoded.length(); i++) {
      if (encoded.charAt(i) == '%') {
        bytes.append((char) HexFormat.fromHexDigits(encoded, i + 1, i + 3));
        i += 2;
      } else {
        bytes.append(encoded.charAt(i));
      }
    }
    int end = bytes.length();
    while (end > 1 && bytes.charAt(end - 1) == '/') {
      end--;
    }
    return bytes.substring(0, end);
  }
}

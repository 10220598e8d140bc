package nixery.source.channel;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Reads a tar archive strictly: the ustar and pax formats of POSIX.1-2017 ("pax", Extended
 * Description) and GNU tar's long names. Files, folders and links are read; anything else, and
 * anything doubtful, is refused. It takes from the archive only what Nix sees in a file: name,
 * content, whether the owner may execute it.
 *
 * <p>The class exists because the usual library for this, Apache Commons Compress, cannot be used
 * without the module {@code java.desktop}, which adds 35 MB to a linked server.
 */
final class TarReader {

  /** What an entry is. */
  enum Kind {
    FILE,
    EXECUTABLE,
    FOLDER,
    SYMBOLIC_LINK,
    HARD_LINK
  }

  /**
   * One entry.
   *
   * @param name its name as it stands in the archive
   * @param kind what it is
   * @param size the number of bytes of its content, 0 for what has none
   * @param target what a link points to, the empty string for what is no link
   */
  record Entry(String name, Kind kind, long size, String target) {}

  private static final int BLOCK = 512;

  /** The longest extended header or long name, in bytes. */
  private static final int MAX_HEADER = 64 * 1024;

  private static final String UTF_8_CHARSET = "ISO-IR 10646 2000 UTF-8";

  private final InputStream in;
  private final byte[] block = new byte[BLOCK];
  private Optional<String> comment = Optional.empty();

  /** How many bytes of the content of the last entry, and after it to fill a block, are unread. */
  private long content;

  private long padding;

  TarReader(InputStream in) {
    this.in = in;
  }

  /** Returns the global comment of the archive, in which git puts the commit, if it came by yet. */
  Optional<String> comment() {
    return comment;
  }

  /**
   * Goes to the next entry.
   *
   * @return the entry; empty at the end of the archive, which was then read to its last byte
   * @throws CorruptTarballException if this is no archive, or one with something in it that is
   *     refused
   * @throws IOException if it cannot be read
   */
  Optional<Entry> next() throws IOException {
    skip(content + padding);
    Map<String, String> overrides = new HashMap<>();
    while (readBlock()) {
      checkSum();
      char type = (char) (block[156] & 0xff);
      long size = overrides.containsKey("size") ? decimal(overrides.get("size")) : octal(124, 12);
      switch (type) {
        case 'x' -> pax(extension(size)).forEach(overrides::put);
        case 'g' -> global(pax(extension(size)));
        case 'L' -> overrides.put("path", cString(extension(size)));
        case 'K' -> overrides.put("linkpath", cString(extension(size)));
        default -> {
          return Optional.of(entry(type, size, overrides));
        }
      }
    }
    if (!overrides.isEmpty()) {
      throw new CorruptTarballException("ends where an entry was announced");
    }
    return Optional.empty();
  }

  /**
   * Reads the content of the last entry.
   *
   * @param buffer where to
   * @return how many bytes were read; -1 at the end of the content
   * @throws IOException if it cannot be read
   */
  int read(byte[] buffer) throws IOException {
    if (content == 0) {
      return -1;
    }
    int count = in.read(buffer, 0, (int) Math.min(buffer.length, content));
    if (count < 0) {
      throw cutShort();
    }
    content -= count;
    return count;
  }

  private Entry entry(char type, long size, Map<String, String> overrides) throws IOException {
    String name = overrides.containsKey("path") ? overrides.get("path") : headerName();
    String target = overrides.containsKey("linkpath") ? overrides.get("linkpath") : text(157, 100);
    Kind kind =
        switch (type) {
          // Before POSIX, a folder was a file whose name ends with a slash.
          case '\0', '0' ->
              name.endsWith("/")
                  ? Kind.FOLDER
                  : (octal(100, 8) & 0100) != 0 ? Kind.EXECUTABLE : Kind.FILE;
          case '1' -> Kind.HARD_LINK;
          case '2' -> Kind.SYMBOLIC_LINK;
          case '5' -> Kind.FOLDER;
          default ->
              throw new CorruptTarballException(
                  "holds '%s', which is neither file, folder nor link (type %s)"
                      .formatted(Names.show(name), Names.show(String.valueOf(type))));
        };
    boolean file = kind == Kind.FILE || kind == Kind.EXECUTABLE;
    boolean link = kind == Kind.HARD_LINK || kind == Kind.SYMBOLIC_LINK;
    if (!file && size != 0) {
      throw new CorruptTarballException(
          "holds '%s' with content, although it is no file".formatted(Names.show(name)));
    }
    setContent(size);
    return new Entry(name, kind, size, link ? target : "");
  }

  private String headerName() throws IOException {
    String name = text(0, 100);
    // GNU's old format has other things where POSIX has the beginning of the name.
    boolean posix = block[257 + 5] == 0 && text(257, 6).equals("ustar");
    String prefix = posix ? text(345, 155) : "";
    return prefix.isEmpty() ? name : prefix + "/" + name;
  }

  private void global(Map<String, String> records) throws IOException {
    for (String key : records.keySet()) {
      switch (key) {
        case "comment" -> comment = Optional.of(records.get(key));
        case "path", "linkpath", "size" ->
            throw new CorruptTarballException("gives all its entries one " + key);
        default -> {
          // Times, owners and the like.
        }
      }
    }
  }

  /** Parses records "LENGTH KEY=VALUE\n", where the length is that of the whole record. */
  private static Map<String, String> pax(byte[] bytes) throws IOException {
    Map<String, String> records = new HashMap<>();
    int start = 0;
    while (start < bytes.length) {
      int space = indexOf(bytes, ' ', start);
      int length = (int) decimal(utf8(bytes, start, space - start));
      int equals = indexOf(bytes, '=', space + 1);
      int end = start + length;
      if (length > bytes.length - start || equals >= end || bytes[end - 1] != '\n') {
        throw new CorruptTarballException("has a malformed extended header");
      }
      String key = utf8(bytes, space + 1, equals - space - 1);
      if (key.startsWith("GNU.sparse.")) {
        throw new CorruptTarballException("holds a sparse file");
      }
      switch (key) {
        case "path", "linkpath", "size", "comment" ->
            records.put(key, utf8(bytes, equals + 1, end - 1 - equals - 1));
        case "hdrcharset" -> {
          if (!utf8(bytes, equals + 1, end - 1 - equals - 1).equals(UTF_8_CHARSET)) {
            throw new CorruptTarballException("has names in an encoding other than UTF-8");
          }
        }
        default -> {
          // Times, owners and the like.
        }
      }
      start = end;
    }
    return records;
  }

  private static int indexOf(byte[] bytes, char c, int from) throws CorruptTarballException {
    for (int i = from; i < bytes.length; i++) {
      if (bytes[i] == c) {
        return i;
      }
    }
    throw new CorruptTarballException("has a malformed extended header");
  }

  private byte[] extension(long size) throws IOException {
    if (size > MAX_HEADER) {
      throw new CorruptTarballException("has a header of " + size + " bytes");
    }
    setContent(size);
    byte[] bytes = in.readNBytes((int) size);
    if (bytes.length < size) {
      throw cutShort();
    }
    content = 0;
    skip(padding);
    return bytes;
  }

  private static String cString(byte[] bytes) throws IOException {
    int length = bytes.length;
    while (length > 0 && bytes[length - 1] == 0) {
      length--;
    }
    return utf8(bytes, 0, length);
  }

  private void setContent(long size) {
    content = size;
    padding = Math.floorMod(-size, (long) BLOCK);
  }

  private void skip(long count) throws IOException {
    for (long left = count; left > 0; left -= BLOCK) {
      int length = (int) Math.min(left, BLOCK);
      if (in.readNBytes(block, 0, length) < length) {
        throw cutShort();
      }
    }
    content = 0;
    padding = 0;
  }

  /** Reads a header; false if it is the one of zeros that ends the archive. */
  private boolean readBlock() throws IOException {
    if (in.readNBytes(block, 0, BLOCK) < BLOCK) {
      throw cutShort();
    }
    if (!isZero(BLOCK)) {
      return true;
    }
    // The second one, and what fills up the last record. Reading it all verifies the compression.
    int count = in.readNBytes(block, 0, BLOCK);
    while (count > 0) {
      if (!isZero(count)) {
        throw new CorruptTarballException("goes on after its end");
      }
      count = in.readNBytes(block, 0, BLOCK);
    }
    return false;
  }

  private boolean isZero(int count) {
    for (int i = 0; i < count; i++) {
      if (block[i] != 0) {
        return false;
      }
    }
    return true;
  }

  private void checkSum() throws IOException {
    long sum = 0;
    for (int i = 0; i < BLOCK; i++) {
      sum += i >= 148 && i < 156 ? ' ' : block[i] & 0xff;
    }
    if (sum != octal(148, 8)) {
      throw new CorruptTarballException("has a header with a wrong checksum, or is no tar archive");
    }
  }

  private long octal(int offset, int length) throws CorruptTarballException {
    int start = offset;
    int end = offset + length;
    while (start < end && block[start] == ' ') {
      start++;
    }
    while (end > start && (block[end - 1] == ' ' || block[end - 1] == 0)) {
      end--;
    }
    long value = 0;
    for (int i = start; i < end; i++) {
      int digit = block[i] - '0';
      if (digit < 0 || digit > 7) {
        throw new CorruptTarballException("has a header with a malformed or very large number");
      }
      value = value * 8 + digit;
    }
    return value;
  }

  private static long decimal(String text) throws CorruptTarballException {
    if (text.isEmpty() || text.length() > 18 || !text.chars().allMatch(c -> c >= '0' && c <= '9')) {
      throw new CorruptTarballException("has a malformed number in an extended header");
    }
    return Long.parseLong(text);
  }

  private String text(int offset, int length) throws IOException {
    int end = offset;
    while (end < offset + length && block[end] != 0) {
      end++;
    }
    return utf8(block, offset, end - offset);
  }

  private static String utf8(byte[] bytes, int offset, int length) throws IOException {
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(bytes, offset, length))
          .toString();
    } catch (CharacterCodingException e) {
      throw new CorruptTarballException("has a name that is not UTF-8");
    }
  }

  private static CorruptTarballException cutShort() {
    return new CorruptTarballException("is cut short");
  }
}

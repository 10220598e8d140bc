package nixery.image;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Writes a tar archive in the ustar interchange format, with pax extended headers only where that
 * is too narrow (POSIX.1-2017, {@code pax}). Everything belongs to user and group 0, which have no
 * names, and was modified one second after the epoch. Names are as in {@link RawNames}, relative,
 * without a slash at the end. Not thread-safe.
 */
final class TarWriter {

  private static final int BLOCK = 512;
  private static final int NAME_LIMIT = 100;
  private static final int PREFIX_LIMIT = 155;

  /** What eleven octal digits hold. */
  private static final long SIZE_LIMIT = (1L << 33) - 1;

  /** OCI's image-spec, layer.md, "Whiteouts": such a name would remove a file. */
  private static final String WHITEOUT = ".wh.";

  private static final char FILE = '0';
  private static final char SYMBOLIC_LINK = '2';
  private static final char DIRECTORY = '5';
  private static final char EXTENDED_HEADER = 'x';

  private final OutputStream out;
  private final byte[] buffer = new byte[1 << 16];

  TarWriter(OutputStream out) {
    this.out = out;
  }

  void directory(String name, int mode) throws IOException {
    entry(name + "/", DIRECTORY, mode, 0, "");
  }

  void symbolicLink(String name, String target) throws IOException {
    entry(name, SYMBOLIC_LINK, 0777, 0, target);
  }

  /**
   * Writes a regular file.
   *
   * @param size how many bytes it has
   * @param content read to its end, and left open
   * @throws IOException also if the content has another size
   */
  void file(String name, int mode, long size, InputStream content) throws IOException {
    entry(name, FILE, mode, size, "");
    long left = size;
    while (left > 0) {
      int count = content.read(buffer, 0, (int) Math.min(left, buffer.length));
      if (count < 0) {
        throw new IOException("became shorter while it was read");
      }
      out.write(buffer, 0, count);
      left -= count;
    }
    if (content.read() >= 0) {
      throw new IOException("became longer while it was read");
    }
    pad(size);
  }

  /** Ends the archive, and leaves the stream open. */
  void finish() throws IOException {
    out.write(new byte[2 * BLOCK]);
  }

  void entry(String name, char type, int mode, long size, String target) throws IOException {
    if (name.startsWith(WHITEOUT, name.lastIndexOf('/', name.length() - 2) + 1)) {
      throw new UnpackableException(
          "a layer cannot hold a file whose name begins with " + WHITEOUT);
    }
    SortedMap<String, String> records = new TreeMap<>();
    int split = split(name);
    if (split < 0 || isUtf8(name)) {
      records.put("path", name);
    }
    if (target.length() > NAME_LIMIT || isUtf8(target)) {
      records.put("linkpath", target);
    }
    if (size > SIZE_LIMIT) {
      records.put("size", Long.toString(size));
    }
    if (records.values().stream().anyMatch(value -> !RawNames.isAscii(value) && !isUtf8(value))) {
      records.put("hdrcharset", "BINARY");
    }
    if (!records.isEmpty()) {
      byte[] extended = RawNames.toBytes(extendedHeader(records));
      out.write(header("", "././@PaxHeader", EXTENDED_HEADER, 0444, extended.length, ""));
      out.write(extended);
      pad(extended.length);
    }
    String prefix = split > 0 ? name.substring(0, split) : "";
    String rest = split > 0 ? name.substring(split + 1) : name;
    out.write(header(prefix, rest, type, mode, size > SIZE_LIMIT ? 0 : size, target));
  }

  /**
   * Returns where the slash is at which a name divides into ustar's prefix and name; 0 if it needs
   * no prefix, -1 if there is no such slash.
   */
  private static int split(String name) {
    if (name.length() <= NAME_LIMIT) {
      return 0;
    }
    int slash = name.lastIndexOf('/', Math.min(PREFIX_LIMIT, name.length() - 2));
    return slash > 0 && name.length() - slash - 1 <= NAME_LIMIT ? slash : -1;
  }

  /** Returns whether these bytes are UTF-8 and no ASCII. */
  private static boolean isUtf8(String name) {
    if (RawNames.isAscii(name)) {
      return false;
    }
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(RawNames.toBytes(name)));
      return true;
    } catch (CharacterCodingException e) {
      return false;
    }
  }

  /** The records, that which says how the others are encoded first, as it sorts. */
  private static String extendedHeader(SortedMap<String, String> records) {
    StringBuilder header = new StringBuilder();
    for (Map.Entry<String, String> record : records.entrySet()) {
      String content = " " + record.getKey() + "=" + record.getValue() + "\n";
      int length = content.length();
      while (length != content.length() + Integer.toString(length).length()) {
        length = content.length() + Integer.toString(length).length();
      }
      header.append(length).append(content);
    }
    return header.toString();
  }

  private static byte[] header(
      String prefix, String name, char type, int mode, long size, String target) {
    byte[] header = new byte[BLOCK];
    put(header, 0, NAME_LIMIT, name);
    put(header, 100, 8, octal(mode, 7));
    put(header, 108, 8, octal(0, 7)); // uid
    put(header, 116, 8, octal(0, 7)); // gid
    put(header, 124, 12, octal(size, 11));
    put(header, 136, 12, octal(1, 11)); // mtime
    put(header, 148, 8, "        "); // the checksum, while it is computed
    put(header, 156, 1, String.valueOf(type));
    put(header, 157, NAME_LIMIT, target);
    put(header, 257, 8, "ustar\00000");
    put(header, 329, 8, octal(0, 7)); // devmajor
    put(header, 337, 8, octal(0, 7)); // devminor
    put(header, 345, PREFIX_LIMIT, prefix);
    int sum = 0;
    for (byte b : header) {
      sum += b & 0xff;
    }
    put(header, 148, 8, octal(sum, 6) + "\0 ");
    return header;
  }

  /** Puts as much of a text as there is room for: the rest is in an extended header. */
  private static void put(byte[] header, int offset, int room, String text) {
    byte[] bytes = RawNames.toBytes(text);
    System.arraycopy(bytes, 0, header, offset, Math.min(room, bytes.length));
  }

  private static String octal(long value, int digits) {
    String octal = Long.toOctalString(value);
    return "0".repeat(digits - octal.length()) + octal;
  }

  private void pad(long size) throws IOException {
    out.write(new byte[(int) (-size & (BLOCK - 1))]);
  }
}

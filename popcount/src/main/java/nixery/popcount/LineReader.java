package nixery.popcount;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Reads lines of bounded length from bytes. Not thread-safe. */
final class LineReader implements Closeable {

  private final InputStream in;
  private final int longest;
  private final byte[] buffer = new byte[1 << 16];
  private int position;
  private int limit;
  private byte[] line = new byte[256];
  private int length;
  private boolean whole;
  private long consumed;

  /**
   * Reads from a stream.
   *
   * @param in the stream, which is closed with this
   * @param longest how many bytes of a line are kept at most
   */
  LineReader(InputStream in, int longest) {
    this.in = in;
    this.longest = longest;
  }

  /** Moves on to the next line; false if there is none. */
  boolean advance() throws IOException {
    length = 0;
    whole = true;
    boolean any = false;
    while (position < limit || fill()) {
      any = true;
      byte next = buffer[position++];
      consumed++;
      if (next == '\n') {
        return true;
      }
      if (length == longest) {
        whole = false;
      } else {
        if (length == line.length) {
          line = Arrays.copyOf(line, Math.min(2 * length, longest));
        }
        line[length++] = next;
      }
    }
    whole = false;
    return any;
  }

  private boolean fill() throws IOException {
    position = 0;
    limit = Math.max(0, in.read(buffer, 0, buffer.length));
    return limit > 0;
  }

  /** Returns the line without its line break, byte by byte. */
  String line() {
    return new String(line, 0, length, StandardCharsets.ISO_8859_1);
  }

  /** Tells whether the line ended with a line break and was not too long. */
  boolean isWhole() {
    return whole;
  }

  /** Returns the number of bytes up to the end of the line. */
  long consumed() {
    return consumed;
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}

package nixery.source.channel;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpTimeoutException;
import java.time.Duration;

/**
 * The body of an answer, with deadlines. The JDK's client has none for bodies: a virtual thread
 * watches, and closes the body under a reader that waits for too long.
 */
final class TimedInputStream extends FilterInputStream {

  private final String name;
  private final Duration stall;
  private final Duration whole;
  private final Thread watch;
  private final long started = System.nanoTime();

  private volatile boolean reading;
  private volatile long readingSince;
  private volatile String expired = "";

  /**
   * Starts to watch a body.
   *
   * @param in the body, whose {@code close} makes a blocked {@code read} return
   * @param name where it comes from, for messages
   * @param stall how long one read may take
   * @param whole how long it may take from now to the end
   */
  TimedInputStream(InputStream in, String name, Duration stall, Duration whole) {
    super(in);
    this.name = name;
    this.stall = stall;
    this.whole = whole;
    this.watch = Thread.ofVirtual().name("watching " + name).start(this::watch);
  }

  private void watch() {
    long tick = Math.clamp(Math.min(stall.toMillis(), whole.toMillis()) / 4, 10, 1000);
    try {
      while (expired.isEmpty()) {
        Thread.sleep(tick);
        long now = System.nanoTime();
        if (now - started > whole.toNanos()) {
          expired = name + " takes longer than " + whole.toSeconds() + " seconds";
        } else if (reading && now - readingSince > stall.toNanos()) {
          expired = name + " sent nothing for " + stall.toSeconds() + " seconds";
        }
      }
      in.close();
    } catch (InterruptedException e) {
      // Closed by its reader.
    } catch (IOException e) {
      System.getLogger(TimedInputStream.class.getName())
          .log(System.Logger.Level.DEBUG, "cannot close " + name, e);
    }
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] bytes, int offset, int length) throws IOException {
    readingSince = System.nanoTime();
    reading = true;
    try {
      int count = in.read(bytes, offset, length);
      check();
      return count;
    } catch (IOException e) {
      check();
      throw new IOException(name + " was cut off: " + e.getMessage(), e);
    } finally {
      reading = false;
    }
  }

  private void check() throws IOException {
    if (!expired.isEmpty()) {
      throw new HttpTimeoutException(expired);
    }
  }

  @Override
  public long skip(long count) throws IOException {
    throw new UnsupportedOperationException("would not be watched");
  }

  @Override
  public void close() throws IOException {
    watch.interrupt();
    in.close();
  }
}

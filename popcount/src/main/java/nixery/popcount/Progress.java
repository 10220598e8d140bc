package nixery.popcount;

import java.io.PrintStream;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Tells how far it is: a bar that moves on a terminal, a line now and then elsewhere. Thread-safe.
 */
final class Progress implements AutoCloseable {

  private static final int BAR = 24;

  private final PrintStream err;
  private final boolean terminal;
  private final AtomicInteger done = new AtomicInteger();
  private final long started = System.nanoTime();
  private final int total;
  private final Thread ticker;
  private boolean shown;
  private boolean closed;

  /**
   * Starts to tell.
   *
   * @param err where to
   * @param terminal whether that is a terminal
   * @param total how many steps there are
   */
  Progress(PrintStream err, boolean terminal, int total) {
    this.err = err;
    this.terminal = terminal;
    this.total = total;
    Duration interval = terminal ? Duration.ofMillis(200) : Duration.ofSeconds(10);
    this.ticker =
        Thread.ofVirtual()
            .name("progress")
            .start(() -> {
              try {
                while (true) {
                  Thread.sleep(interval);
                  show();
                }
              } catch (InterruptedException e) {
                // Closed.
              }
            });
  }

  /** Says that one more step was taken. */
  void step() {
    done.incrementAndGet();
  }

  private synchronized void show() {
    if (closed) {
      return;
    }
    if (terminal) {
      err.print("\r\033[K" + bar(done.get(), total, seconds()));
      shown = true;
    } else {
      err.println(line(done.get(), total, seconds()));
    }
    err.flush();
  }

  private double seconds() {
    return (System.nanoTime() - started) / 1e9;
  }

  /** Returns a line for a terminal, shorter than 80 characters. */
  static String bar(int done, int total, double seconds) {
    int filled = total == 0 ? BAR : (int) ((long) done * BAR / total);
    return "[" + "#".repeat(filled) + "-".repeat(BAR - filled) + "] " + line(done, total, seconds);
  }

  /** Returns a line for a log. */
  static String line(int done, int total, double seconds) {
    double rate = seconds > 0 ? done / seconds : 0;
    String left = rate > 0 ? ", " + time((total - done) / rate) + " left" : "";
    return "%d of %d narinfos, %.0f/s%s".formatted(done, total, rate, left);
  }

  private static String time(double seconds) {
    long whole = (long) Math.ceil(seconds);
    return "%d:%02d".formatted(whole / 60, whole % 60);
  }

  /** Tells something else. */
  synchronized void note(String text) {
    clear();
    err.println("popcount: " + text);
  }

  private void clear() {
    if (shown) {
      err.print("\r\033[K");
      shown = false;
    }
  }

  @Override
  public void close() {
    ticker.interrupt();
    synchronized (this) {
      closed = true;
      clear();
      err.flush();
    }
  }
}

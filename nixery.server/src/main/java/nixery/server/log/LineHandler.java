package nixery.server.log;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.logging.ErrorManager;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;

/**
 * Writes lines to a stream. A line is written when {@link #publish} returns, unless another thread
 * is writing just then, which writes it next, together with all others that came meanwhile: so a
 * thousand requests at the same time cost few calls of the operating system, and nobody waits for
 * them. What is not written yet is bounded; whoever would exceed that waits.
 */
public final class LineHandler extends Handler {

  private static final int MAX_PENDING = 1 << 20;

  private final OutputStream out;
  private final Object lock = new Object();

  /** Guarded by the lock, as is {@link #writing}. */
  private ByteArrayOutputStream pending = new ByteArrayOutputStream();

  private boolean writing;

  /**
   * Creates one that logs everything.
   *
   * @param out is written to by one thread at a time, and flushed, but never closed
   * @param format of the lines
   */
  public LineHandler(OutputStream out, LogFormat format) {
    this.out = out;
    setLevel(Level.ALL);
    setFormatter(format.formatter());
  }

  @Override
  public void publish(LogRecord line) {
    if (!isLoggable(line)) {
      return;
    }
    byte[] bytes;
    try {
      bytes = getFormatter().format(line).getBytes(StandardCharsets.UTF_8);
    } catch (RuntimeException e) {
      reportError("a line cannot be formatted", e, ErrorManager.FORMAT_FAILURE);
      return;
    }
    if (add(bytes)) {
      writePending();
    }
  }

  /** Adds a line to those to be written; returns whether it is for the caller to write them. */
  private boolean add(byte[] line) {
    boolean interrupted = false;
    boolean mine;
    synchronized (lock) {
      while (writing && pending.size() >= MAX_PENDING) {
        try {
          lock.wait();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      pending.writeBytes(line);
      mine = !writing;
      writing = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return mine;
  }

  private void writePending() {
    boolean settled = false;
    try {
      while (true) {
        ByteArrayOutputStream lines;
        synchronized (lock) {
          if (pending.size() == 0) {
            writing = false;
            settled = true;
            return;
          }
          lines = pending;
          pending = new ByteArrayOutputStream();
          lock.notifyAll();
        }
        write(lines);
      }
    } finally {
      if (!settled) {
        // An error: the next line finds nobody writing, rather than somebody who never ends.
        synchronized (lock) {
          writing = false;
          lock.notifyAll();
        }
      }
    }
  }

  private void write(ByteArrayOutputStream lines) {
    try {
      lines.writeTo(out);
      out.flush();
    } catch (IOException | RuntimeException e) {
      reportError("the log cannot be written", e, ErrorManager.WRITE_FAILURE);
    }
  }

  /** Does nothing: there is always somebody who writes what is not written. */
  @Override
  public void flush() {}

  @Override
  public void close() {}
}

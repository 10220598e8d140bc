package nixery.source.git;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/** Everything that is logged while it is open, by this module, JGit, MINA SSHD and the JDK. */
final class CapturedLogs extends Handler implements AutoCloseable {

  private final Queue<String> records = new ConcurrentLinkedQueue<>();
  private final Logger root = Logger.getLogger("");
  private final Level before = root.getLevel();

  CapturedLogs() {
    setLevel(Level.ALL);
    setFormatter(new SimpleFormatter());
    for (Handler handler : root.getHandlers()) {
      handler.setLevel(Level.INFO); // Not all of it on the console.
    }
    root.setLevel(Level.ALL);
    root.addHandler(this);
  }

  @Override
  public void publish(LogRecord record) {
    // The JDK logs the headers of requests if it is told to log everything. No server does so.
    if (!record.getLoggerName().startsWith("sun.net.www")) {
      records.add(getFormatter().format(record));
    }
  }

  /** Returns what was logged. */
  String text() {
    return String.join("\n", records);
  }

  /** Returns all that would be printed of an exception. */
  static String text(Throwable failure) {
    StringWriter text = new StringWriter();
    failure.printStackTrace(new PrintWriter(text));
    return text.toString();
  }

  @Override
  public void flush() {
    // Nothing is buffered.
  }

  @Override
  public void close() {
    root.removeHandler(this);
    root.setLevel(before);
  }
}

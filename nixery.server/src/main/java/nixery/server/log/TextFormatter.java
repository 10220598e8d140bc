package nixery.server.log;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.logging.Formatter;
import java.util.logging.LogRecord;

/** Writes one line for people, and the stack trace below it if there is one. */
public final class TextFormatter extends Formatter {

  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSxx").withZone(ZoneId.systemDefault());

  /** Creates one. */
  public TextFormatter() {}

  @Override
  public String format(LogRecord line) {
    StringWriter text = new StringWriter();
    PrintWriter out = new PrintWriter(text);
    out.print(TIME.format(line.getInstant()));
    out.print(' ');
    out.print(line.getLevel());
    out.print(' ');
    out.print(line.getLoggerName());
    out.print(' ');
    out.print(formatMessage(line));
    RequestId.current().ifPresent(id -> out.print(" request=" + id.value()));
    out.println();
    if (line.getThrown() != null) {
      line.getThrown().printStackTrace(out);
    }
    return text.toString();
  }
}

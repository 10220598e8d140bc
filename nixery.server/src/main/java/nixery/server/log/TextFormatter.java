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
    StringBuilder text = new StringBuilder(256);
    text.append(TIME.format(line.getInstant()))
        .append(' ')
        .append(line.getLevel())
        .append(' ')
        .append(line.getLoggerName())
        .append(' ')
        .append(LogEvent.of(line).map(LogEvent::toString).orElseGet(() -> formatMessage(line)));
    RequestId.current().ifPresent(id -> text.append(" request=").append(id.value()));
    text.append(System.lineSeparator());
    if (line.getThrown() != null) {
      StringWriter trace = new StringWriter();
      line.getThrown().printStackTrace(new PrintWriter(trace));
      text.append(trace);
    }
    return text.toString();
  }
}

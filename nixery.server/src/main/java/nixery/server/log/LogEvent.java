package nixery.server.log;

import java.util.Map;
import java.util.Optional;
import java.util.logging.LogRecord;

/**
 * Something to log that has parts. As the parameter of the message <code>"{0}"</code> it becomes a
 * line of text, its {@link Object#toString}, or the fields of a JSON object.
 */
public interface LogEvent {

  /**
   * Finds the event that a line consists of.
   *
   * @param line of the log
   * @return the event, if there is one
   */
  static Optional<LogEvent> of(LogRecord line) {
    Object[] parameters = line.getParameters();
    return parameters != null && parameters.length == 1 && parameters[0] instanceof LogEvent event
        ? Optional.of(event)
        : Optional.empty();
  }

  /** Returns the message that stands beside the fields in JSON. */
  String summary();

  /**
   * Returns the parts in order.
   *
   * @return strings, numbers and booleans by name; none is called like a field that every line has
   */
  Map<String, Object> fields();
}

package nixery.server.log;

import java.util.Map;

/**
 * Something to log that has parts. As the parameter of the message <code>"{0}"</code> it becomes a
 * line of text, its {@link Object#toString}, or the fields of a JSON object.
 */
public interface LogEvent {

  /** Returns the message that stands beside the fields in JSON. */
  String summary();

  /**
   * Returns the parts in order.
   *
   * @return strings, numbers and booleans by name; none is called like a field that every line has
   */
  Map<String, Object> fields();
}

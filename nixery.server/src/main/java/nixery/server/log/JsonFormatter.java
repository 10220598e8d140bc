package nixery.server.log;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import java.util.Optional;
import java.util.logging.Formatter;
import java.util.logging.LogRecord;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes one JSON object on one line for programs: {@code timestamp} (ISO 8601, UTC), {@code
 * level}, {@code logger}, {@code message}, {@code request} where a request is being answered,
 * {@code exception} with the stack trace, and the fields of a {@link LogEvent}.
 */
public final class JsonFormatter extends Formatter {

  private static final JsonMapper JSON = new JsonMapper();

  /** Creates one. */
  public JsonFormatter() {}

  @Override
  public String format(LogRecord line) {
    ObjectNode object = JSON.createObjectNode();
    object.put("timestamp", line.getInstant().toString());
    object.put("level", line.getLevel().getName());
    object.put("logger", line.getLoggerName());
    Optional<LogEvent> event = LogEvent.of(line);
    object.put("message", event.map(LogEvent::summary).orElseGet(() -> formatMessage(line)));
    event.ifPresent(parts -> putFields(object, parts.fields()));
    RequestId.current().ifPresent(id -> object.put("request", id.value()));
    if (line.getThrown() != null) {
      StringWriter trace = new StringWriter();
      line.getThrown().printStackTrace(new PrintWriter(trace));
      object.put("exception", trace.toString());
    }
    return JSON.writeValueAsString(object) + "\n";
  }

  private static void putFields(ObjectNode object, Map<String, Object> fields) {
    fields.forEach((name, value) -> object.set(name, JSON.valueToTree(value)));
  }
}

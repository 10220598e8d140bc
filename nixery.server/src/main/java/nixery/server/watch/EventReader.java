package nixery.server.watch;

import java.util.Iterator;
import java.util.Optional;

/**
 * Reads server-sent events as the <a
 * href="https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation">HTML
 * standard</a> has them, "Interpreting an event stream".
 */
final class EventReader {

  /** The most characters that an event has. */
  private static final int MAX_DATA = 8 << 20;

  /**
   * An event.
   *
   * @param type {@code message} if it has no other
   * @param data its lines, with a line feed between each two
   */
  record Event(String type, String data) {}

  private final Iterator<String> lines;
  private String lastId = "";
  private boolean hasRead;

  EventReader(Iterator<String> lines) {
    this.lines = lines;
  }

  /** Returns the id that was given last, which tells the server where to go on. */
  String lastId() {
    return lastId;
  }

  /** Tells whether any event was read. */
  boolean hasRead() {
    return hasRead;
  }

  /** Returns the next event; empty if the stream has ended, perhaps in the middle of one. */
  Optional<Event> next() {
    String type = "";
    StringBuilder data = new StringBuilder();
    boolean hasData = false;
    while (lines.hasNext()) {
      String line = lines.next();
      if (line.isEmpty()) {
        if (hasData) {
          hasRead = true;
          return Optional.of(new Event(type.isEmpty() ? "message" : type, data.toString()));
        }
        type = "";
        continue;
      }
      int colon = line.indexOf(':');
      String field = colon < 0 ? line : line.substring(0, colon);
      String value = colon < 0 ? "" : line.substring(colon + 1);
      value = value.startsWith(" ") ? value.substring(1) : value;
      switch (field) {
        case "event" -> type = value;
        case "id" -> lastId = value;
        case "data" -> {
          if (data.length() + value.length() > MAX_DATA) {
            throw new IllegalStateException("the server sends an event without an end");
          }
          data.append(hasData ? "\n" : "").append(value);
          hasData = true;
        }
        default -> {} // comments, and what is not known
      }
    }
    return Optional.empty();
  }
}

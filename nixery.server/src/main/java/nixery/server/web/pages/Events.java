package nixery.server.web.pages;

/**
 * Writes server-sent events as the <a
 * href="https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream">HTML
 * standard</a> has them, "Interpreting an event stream".
 */
final class Events {

  /** What keeps a connection alive and is no event. */
  static final String HEARTBEAT = ":\n\n";

  private Events() {}

  /**
   * Writes an event.
   *
   * @param type a word
   * @param id what the client says that it has when it comes back; empty for none
   * @param data any text; its lines may end as they like
   */
  static String event(String type, String id, String data) {
    StringBuilder out = new StringBuilder("event: ").append(type).append('\n');
    if (!id.isEmpty()) {
      out.append("id: ").append(id).append('\n');
    }
    for (String line : data.split("\r\n|\r|\n", -1)) {
      out.append("data: ").append(line).append('\n');
    }
    return out.append('\n').toString();
  }
}

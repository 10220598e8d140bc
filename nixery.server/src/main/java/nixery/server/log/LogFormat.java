package nixery.server.log;

import java.util.logging.Formatter;

/** How the log is written. */
public enum LogFormat {
  /** One line of text for each event. */
  TEXT,
  /** One JSON object for each event. */
  JSON;

  /** Returns what writes it. */
  public Formatter formatter() {
    return switch (this) {
      case TEXT -> new TextFormatter();
      case JSON -> new JsonFormatter();
    };
  }
}

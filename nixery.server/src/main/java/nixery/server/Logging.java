package nixery.server;

import java.util.Arrays;
import java.util.logging.Level;
import java.util.logging.Logger;
import nixery.api.Settings;
import nixery.server.log.LineHandler;

/** Sets up logging: one line for each event, on standard error. */
final class Logging {

  /** Keeps the loggers whose level was set from being collected. */
  private static final Logger NIXERY = Logger.getLogger("nixery");

  private Logging() {}

  static void configure(Settings settings) {
    Logger root = Logger.getLogger("");
    Arrays.stream(root.getHandlers()).forEach(root::removeHandler);
    root.addHandler(new LineHandler(System.err, settings.get(ServerSettings.LOG_FORMAT)));
    // Libraries speak up only when something is wrong.
    root.setLevel(Level.WARNING);
    NIXERY.setLevel(settings.get(ServerSettings.DEBUG) ? Level.FINE : Level.INFO);
  }
}

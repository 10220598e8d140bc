package nixery.server;

import java.util.Arrays;
import java.util.logging.ConsoleHandler;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.Logger;
import nixery.api.Settings;

/** Sets up logging: one line for each event, on standard error. */
final class Logging {

  private static final String ONE_LINE = "%1$tFT%1$tT.%1$tL%1$tz %4$s %3$s %5$s%6$s%n";

  /** Keeps the loggers whose level was set from being collected. */
  private static final Logger NIXERY = Logger.getLogger("nixery");

  private Logging() {}

  static void configure(Settings settings) {
    System.setProperty("java.util.logging.SimpleFormatter.format", ONE_LINE);
    Logger root = Logger.getLogger("");
    Arrays.stream(root.getHandlers()).forEach(root::removeHandler);
    Handler handler = new ConsoleHandler();
    handler.setLevel(Level.ALL);
    root.addHandler(handler);
    // Libraries speak up only when something is wrong.
    root.setLevel(Level.WARNING);
    NIXERY.setLevel(settings.get(ServerSettings.DEBUG) ? Level.FINE : Level.INFO);
  }
}

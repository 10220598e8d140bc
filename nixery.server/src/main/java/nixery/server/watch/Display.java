package nixery.server.watch;

import java.io.PrintStream;
import java.util.regex.Pattern;

/**
 * Shows how far a build is: on a terminal with a bar in its last line, elsewhere with a line for
 * each thing that changes.
 */
final class Display implements AutoCloseable {

  private static final int BAR = 24;
  private static final int NARROW = 80;

  /** Goes to the beginning of the line, and clears it. */
  private static final String CLEAR = "\r\u001b[2K";

  private static final Pattern CONTROL = Pattern.compile("[\\p{Cntrl}\\u0080-\\u009f]");

  private final PrintStream out;
  private final boolean terminal;
  private final int columns;
  private String shown = "";

  /**
   * Creates one.
   *
   * @param terminal whether lines can be written over
   * @param columns how wide the terminal is; 0 if that is not known
   */
  Display(PrintStream out, boolean terminal, int columns) {
    this.out = out;
    this.terminal = terminal;
    this.columns = columns > 0 ? columns : NARROW;
  }

  /** Returns a text that comes from a server as one line that cannot control a terminal. */
  static String plain(String text) {
    return CONTROL.matcher(text.replace('\t', ' ').replace('\n', ' ')).replaceAll("");
  }

  /** Shows a line of the log, which stays. */
  void line(String line) {
    String plain = plain(line);
    if (terminal) {
      out.print(CLEAR + plain + "\n" + shown);
    } else {
      out.println(plain);
    }
    out.flush();
  }

  /**
   * Shows how far it is.
   *
   * @param fraction from 0 to 1
   * @param step what is done now
   * @param detail how far that is; may be empty
   * @param elapsed since the beginning
   */
  void progress(double fraction, String step, String detail, String elapsed) {
    String what = plain(detail.isEmpty() ? step : step + ": " + detail);
    if (terminal) {
      int full = (int) Math.round(Math.clamp(fraction, 0, 1) * BAR);
      String line =
          "[%s%s] %3d%% %s, %s"
              .formatted(
                  "#".repeat(full),
                  "-".repeat(BAR - full),
                  Math.round(Math.clamp(fraction, 0, 1) * 100),
                  what,
                  plain(elapsed));
      shown = line.substring(0, Math.min(line.length(), columns - 1));
      out.print(CLEAR + shown);
      out.flush();
    } else if (!what.equals(shown)) {
      shown = what;
      out.println(what);
      out.flush();
    }
  }

  /** Leaves the terminal as it was. */
  @Override
  public void close() {
    if (terminal && !shown.isEmpty()) {
      out.print(CLEAR);
      out.flush();
    }
  }
}

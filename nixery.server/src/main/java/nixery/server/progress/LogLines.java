package nixery.server.progress;

import java.util.List;

/**
 * Part of a build's log.
 *
 * @param first the number of the first of the lines, from 0
 * @param lines without line breaks, control characters, secrets, and paths of the server
 */
public record LogLines(long first, List<String> lines) {

  /** Copies the list. */
  public LogLines {
    lines = List.copyOf(lines);
  }

  /** Returns the number of the line that follows. */
  public long next() {
    return first + lines.size();
  }
}

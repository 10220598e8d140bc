package nixery.server.progress;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;

/** The last lines of a log, numbered from 0, within bounds. Not thread-safe. */
final class BuildLog {

  /** The number of lines that are kept. */
  static final int MAX_LINES = 2_000;

  /** The number of characters that are kept. */
  static final int MAX_CHARACTERS = 1 << 20;

  /** The number of characters that a line is cut to. */
  static final int MAX_LINE = 1_000;

  private final Deque<String> lines = new ArrayDeque<>();
  private long next;
  private long characters;

  void add(String line) {
    String cut = cut(line);
    lines.addLast(cut);
    characters += cut.length();
    next++;
    while (lines.size() > MAX_LINES || characters > MAX_CHARACTERS) {
      characters -= lines.removeFirst().length();
    }
  }

  private static String cut(String line) {
    if (line.length() <= MAX_LINE) {
      return line;
    }
    int end = MAX_LINE - 1;
    return line.substring(0, Character.isHighSurrogate(line.charAt(end - 1)) ? end - 1 : end) + "…";
  }

  /** Returns some lines from a number on, or from the first one that is left. */
  LogLines from(long number, int atMost) {
    long first = Math.max(number, next - lines.size());
    List<String> some = new ArrayList<>();
    if (first < next) {
      Iterator<String> rest = lines.iterator();
      for (long i = next - lines.size(); i < first; i++) {
        rest.next();
      }
      while (rest.hasNext() && some.size() < atMost) {
        some.add(rest.next());
      }
    }
    return new LogLines(Math.min(first, next), some);
  }

  long characters() {
    return characters;
  }

  void clear() {
    lines.clear();
    characters = 0;
  }
}

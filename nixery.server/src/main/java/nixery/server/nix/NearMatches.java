package nixery.server.nix;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** Guesses which name was meant. */
final class NearMatches {

  private static final int MAX_MATCHES = 5;

  private record Match(String name, int distance) {}

  private NearMatches() {}

  /**
   * Finds the names that are most like another one.
   *
   * @param name what was asked for
   * @param attributes what there is
   * @return a few names, best first, in the form in which they are asked for: in lower case, and
   *     without the underscore before a digit
   */
  static List<String> of(String name, Collection<String> attributes) {
    String wanted = name.toLowerCase(Locale.ROOT);
    int limit = wanted.length() <= 3 ? 1 : wanted.length() <= 6 ? 2 : 3;
    List<Match> matches = new ArrayList<>();
    for (String attribute : attributes) {
      String known = attribute.toLowerCase(Locale.ROOT).replaceFirst("^_(?=[0-9])", "");
      int distance = distance(wanted, known);
      if (distance <= limit) {
        matches.add(new Match(known, distance));
      } else if (wanted.length() >= 3 && known.startsWith(wanted)) {
        matches.add(new Match(known, limit));
      }
    }
    return matches.stream()
        .sorted(Comparator.comparingInt(Match::distance).thenComparing(Match::name))
        .map(Match::name)
        .distinct()
        .limit(MAX_MATCHES)
        .toList();
  }

  /** Counts the letters to be changed, added, removed, or swapped with the next one. */
  static int distance(String a, String b) {
    int[] beforeLast = new int[b.length() + 1];
    int[] last = new int[b.length() + 1];
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int[] free = beforeLast;
      beforeLast = last;
      last = row;
      row = free;
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int change = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
        row[j] = Math.min(last[j - 1] + change, Math.min(last[j], row[j - 1]) + 1);
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          row[j] = Math.min(row[j], beforeLast[j - 2] + 1);
        }
      }
    }
    return row[b.length()];
  }
}

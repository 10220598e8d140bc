package nixery.source.git;

import java.io.IOException;
import java.util.Comparator;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.regex.Pattern;

/**
 * Takes secrets out of texts and exceptions. It knows the ones that were used and what looks like
 * user information in an http address. Thread-safe.
 */
final class Secrets {

  private static final String HIDDEN = "***";
  private static final Pattern USER_INFO = Pattern.compile("(?i)(https?://)[^/\\s'\"]*@");
  private static final int MOST_CAUSES = 20;

  /** Longest first, so that no part of one is left where another one was. */
  private final Set<String> known =
      new ConcurrentSkipListSet<>(
          Comparator.comparingInt(String::length)
              .reversed()
              .thenComparing(Comparator.naturalOrder()));

  void add(String secret) {
    if (!secret.isEmpty()) {
      known.add(secret);
    }
  }

  /** Returns the text on one line, without secrets. */
  String hide(String text) {
    String result = USER_INFO.matcher(text).replaceAll("$1");
    for (String secret : known) {
      result = result.replace(secret, HIDDEN);
    }
    return result.replaceAll("\\s*\\R\\s*", "; ");
  }

  /**
   * Returns the exception itself if neither it nor its causes hold a secret, otherwise a chain of
   * copies that have the same stack traces, and the same messages without secrets.
   */
  Throwable hide(Throwable failure) {
    return isClean(failure, 0) ? failure : copy(failure, 0);
  }

  private boolean isClean(Throwable failure, int depth) {
    if (failure == null || depth > MOST_CAUSES) {
      return depth <= MOST_CAUSES;
    }
    for (Throwable suppressed : failure.getSuppressed()) {
      if (!isClean(suppressed, depth + 1)) {
        return false;
      }
    }
    String text = failure.toString();
    return USER_INFO.matcher(text).replaceAll("$1").equals(text)
        && known.stream().noneMatch(text::contains)
        && isClean(failure.getCause(), depth + 1);
  }

  private Throwable copy(Throwable failure, int depth) {
    Throwable cause =
        failure.getCause() == null || depth > MOST_CAUSES
            ? null
            : copy(failure.getCause(), depth + 1);
    IOException copy = new IOException(hide(failure.toString()), cause);
    copy.setStackTrace(failure.getStackTrace());
    if (depth <= MOST_CAUSES) {
      for (Throwable suppressed : failure.getSuppressed()) {
        copy.addSuppressed(copy(suppressed, depth + 1));
      }
    }
    return copy;
  }
}

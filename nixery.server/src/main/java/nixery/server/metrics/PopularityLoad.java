package nixery.server.metrics;

import java.util.Locale;

/** What came of looking for popularity data. */
public enum PopularityLoad {
  /** There are other data now. */
  CHANGED,
  /** They are the same as before. */
  UNCHANGED,
  /** They could not be read, or made no sense; those from before are kept. */
  FAILED;

  String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}

package nixery.server.progress;

import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;

/**
 * A build at one moment.
 *
 * @param id of the build, unique among all servers' for practical purposes
 * @param image the canonical name of what is built, such as {@code shell/git}
 * @param tag that it is built for
 * @param begun when
 * @param elapsed since then, until now or until it ended
 * @param step the present or last one
 * @param times how long the steps took that were begun, the present one until now
 * @param counts how far it has come
 * @param outcome what became of it
 * @param version rises with each change
 */
public record Snapshot(
    String id,
    String image,
    String tag,
    Instant begun,
    Duration elapsed,
    Step step,
    Map<Step, Duration> times,
    Counts counts,
    Outcome outcome,
    long version) {

  /** Copies the map. */
  public Snapshot {
    EnumMap<Step, Duration> copy = new EnumMap<>(Step.class);
    copy.putAll(times);
    times = Collections.unmodifiableMap(copy);
  }

  /** Estimates how much of the work that is known of is done, from 0 to 1. */
  public double fraction() {
    if (outcome instanceof Outcome.Done) {
      return 1;
    }
    return switch (step) {
      case WAIT -> 0;
      case FETCH -> 0.02;
      case EVALUATE -> 0.05;
      case REALISE ->
          0.1 + 0.5 * share(counts.built() + counts.fetched(), counts.toBuild() + counts.toFetch());
      case CLOSURE -> 0.6;
      case PLAN -> 0.62;
      case PACK -> 0.64 + 0.34 * share(counts.packed() + counts.reused(), counts.layers());
      case STORE -> 0.98;
    };
  }

  private static double share(long done, long all) {
    return all <= 0 ? 0 : Math.clamp((double) done / all, 0, 1);
  }
}

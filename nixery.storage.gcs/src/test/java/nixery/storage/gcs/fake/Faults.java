package nixery.storage.gcs.fake;

import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/**
 * What goes wrong. Requests are described by method, path and query, such as {@code "GET
 * /storage/v1/b/bucket/o/name?alt=media"}. Thread-safe.
 */
public final class Faults {

  /** A way to fail. */
  public enum Kind {
    /** Status 503, nothing done. */
    UNAVAILABLE,
    /** Status 429, nothing done. */
    TOO_MANY_REQUESTS,
    /** The connection ends within the request; an upload keeps what came until then. */
    CUT_REQUEST,
    /** The request is carried out, but the connection ends before or within the answer. */
    CUT_ANSWER,
    /** The answer takes half a second longer. */
    SLOW,
    /** A byte of an upload is changed on the way. */
    CORRUPTED,
    /** The connection ends when all bytes of an upload have arrived, but make no object yet. */
    UNFINISHED
  }

  private record Fault(Kind kind, Predicate<String> request, boolean once, AtomicBoolean used) {

    /** Asks the predicate without holding a lock, since it may do anything. */
    boolean strikes(String description) {
      return !used.get() && request.test(description) && (!once || used.compareAndSet(false, true));
    }
  }

  private final List<Fault> planned = new CopyOnWriteArrayList<>();
  private final AtomicInteger struck = new AtomicInteger();
  private double share;
  private Random random = new Random(0);

  Faults() {}

  /** Lets the next request that fits fail. Further calls are for the ones after it. */
  public void next(Kind kind, Predicate<String> request) {
    planned.add(new Fault(kind, request, true, new AtomicBoolean()));
  }

  /** Lets all requests that fit fail, until {@link #clear}. */
  public void always(Kind kind, Predicate<String> request) {
    planned.add(new Fault(kind, request, false, new AtomicBoolean()));
  }

  /**
   * Lets requests of all kinds fail in all ways, until {@link #clear}.
   *
   * @param share how many, from 0 to 1
   * @param seed of the choice
   */
  public synchronized void random(double share, long seed) {
    this.share = share;
    this.random = new Random(seed);
  }

  /** Ends all faults. */
  public synchronized void clear() {
    planned.clear();
    share = 0;
  }

  /** Returns how many requests have failed so far. */
  public int struck() {
    return struck.get();
  }

  Optional<Kind> strike(String request) {
    Optional<Kind> kind =
        planned.stream()
            .filter(fault -> fault.strikes(request))
            .findFirst()
            .map(Fault::kind)
            .or(this::atRandom);
    kind.ifPresent(_ -> struck.incrementAndGet());
    return kind;
  }

  private synchronized Optional<Kind> atRandom() {
    Kind[] kinds = Kind.values();
    return random.nextDouble() < share
        ? Optional.of(kinds[random.nextInt(kinds.length)])
        : Optional.empty();
  }
}

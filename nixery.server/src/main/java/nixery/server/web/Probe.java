package nixery.server.web;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Tells whether something that the server needs can be used. It is tried at most once at a time,
 * and not again for a while, however often one asks. Thread-safe.
 */
public final class Probe {

  private static final System.Logger LOG = System.getLogger(Probe.class.getName());

  /** For how long a caller waits for an answer. */
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  /** Uses something in the cheapest way that shows that it works. */
  @FunctionalInterface
  public interface Trial {

    /**
     * Uses it.
     *
     * @throws Exception if it does not work
     */
    void run() throws Exception;
  }

  private record Outcome(boolean usable, long nanoTime) {

    boolean isYoungerThan(Duration age) {
      return System.nanoTime() - nanoTime < age.toNanos();
    }
  }

  private final String name;
  private final String problem;
  private final Duration validity;
  private final Trial trial;

  private Optional<Outcome> last = Optional.empty();
  private Optional<CompletableFuture<Boolean>> running = Optional.empty();

  /**
   * Creates one that has not tried yet.
   *
   * @param name of what is tried, a word
   * @param problem what to tell anybody when it does not work; the log has more
   * @param validity for how long an outcome counts
   * @param trial tries it
   */
  public Probe(String name, String problem, Duration validity, Trial trial) {
    this.name = Objects.requireNonNull(name);
    this.problem = Objects.requireNonNull(problem);
    this.validity = Objects.requireNonNull(validity);
    this.trial = Objects.requireNonNull(trial);
  }

  String name() {
    return name;
  }

  String problem() {
    return problem;
  }

  /**
   * Tells whether it can be used. While an outcome that was good is being renewed, it counts on for
   * as long again, so that a busy machine is not taken for a broken one.
   *
   * @return the answer, which is there within {@link #PATIENCE}
   */
  synchronized CompletableFuture<Boolean> usable() {
    if (last.isPresent() && last.get().isYoungerThan(validity)) {
      return CompletableFuture.completedFuture(last.get().usable());
    }
    CompletableFuture<Boolean> result = running.orElseGet(this::start);
    return last.isPresent()
            && last.get().usable()
            && last.get().isYoungerThan(validity.multipliedBy(2))
        ? CompletableFuture.completedFuture(true)
        : result.copy().completeOnTimeout(false, PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
  }

  private CompletableFuture<Boolean> start() {
    CompletableFuture<Boolean> result = new CompletableFuture<>();
    running = Optional.of(result);
    Thread.ofVirtual().name("probe-" + name).start(() -> result.complete(attempt()));
    return result;
  }

  private boolean attempt() {
    Optional<Throwable> failure = Optional.empty();
    try {
      trial.run();
    } catch (Throwable e) { // whatever it is, it is not usable
      failure = Optional.of(e);
    }
    synchronized (this) {
      boolean was = last.map(Outcome::usable).orElse(true);
      boolean is = failure.isEmpty();
      last = Optional.of(new Outcome(is, System.nanoTime()));
      running = Optional.empty();
      if (was && !is) {
        LOG.log(System.Logger.Level.WARNING, "not ready: " + problem, failure.get());
      } else if (is && !was) {
        LOG.log(System.Logger.Level.INFO, "ready again: {0}", name);
      }
      return is;
    }
  }
}

package nixery.server.progress;

import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import nixery.server.metrics.Phase;
import nixery.server.metrics.PhaseListener;
import nixery.server.nix.NixListener;

/**
 * One build. Those who do it tell what happens; any number of others look on, each at its own pace,
 * and hold up nobody. Thread-safe.
 */
public final class Build implements PhaseListener, NixListener {

  private final String id;
  private final String image;
  private final String tag;
  private final boolean keepsLog;
  private final UnaryOperator<String> redaction;
  private final Instant begun = Instant.now();
  private final long start = System.nanoTime();

  private final BuildLog log = new BuildLog();
  private final Map<Step, Long> nanos = new EnumMap<>(Step.class);
  private Step step = Step.WAIT;
  private long stepStart = start;
  private long end;
  private int packages;
  private long built;
  private long toBuild;
  private long fetched;
  private long toFetch;
  private int layers;
  private int packed;
  private int reused;
  private long packedBytes;
  private Outcome outcome = new Outcome.Running();
  private long version;

  Build(String id, String image, String tag, boolean keepsLog, UnaryOperator<String> redaction) {
    this.id = id;
    this.image = image;
    this.tag = tag;
    this.keepsLog = keepsLog;
    this.redaction = redaction;
  }

  // Those who do it

  @Override
  public void entered(Phase phase) {
    Step.of(phase).ifPresent(this::enter);
  }

  private synchronized void enter(Step next) {
    if (next != step && !outcome.isFinal()) {
      long now = System.nanoTime();
      nanos.merge(step, now - stepStart, Long::sum);
      step = next;
      stepStart = now;
      changed();
    }
  }

  /**
   * Says that the names were looked up.
   *
   * @param packages how many packages they are
   */
  public synchronized void evaluated(int packages) {
    this.packages = packages;
    changed();
  }

  /** Tells whether lines are kept, or need not even be made. */
  public boolean keepsLog() {
    return keepsLog;
  }

  @Override
  public void line(String line) {
    if (keepsLog) {
      String shown = redaction.apply(line);
      synchronized (this) {
        log.add(shown);
        changed();
      }
    }
  }

  @Override
  public synchronized void derivations(long done, long all) {
    // Nix ends with zeros.
    if (all > 0 && (built != done || toBuild != all)) {
      built = done;
      toBuild = all;
      changed();
    }
  }

  @Override
  public synchronized void substitutions(long done, long all) {
    if (all > 0 && (fetched != done || toFetch != all)) {
      fetched = done;
      toFetch = all;
      changed();
    }
  }

  /**
   * Says that packing begins.
   *
   * @param layers how many layers the image has
   */
  public synchronized void packing(int layers) {
    enter(Step.PACK);
    this.layers = layers;
    changed();
  }

  /**
   * Says that a layer was packed.
   *
   * @param bytes its compressed size
   */
  public synchronized void packed(long bytes) {
    packed++;
    packedBytes += bytes;
    changed();
  }

  /** Says that a layer need not be packed. */
  public synchronized void reused() {
    reused++;
    changed();
  }

  synchronized void end(Outcome how) {
    end = System.nanoTime();
    nanos.merge(step, end - stepStart, Long::sum);
    outcome = how;
    changed();
  }

  private void changed() {
    version++;
    notifyAll();
  }

  // Those who look on

  /** Returns what addresses this build. */
  public String id() {
    return id;
  }

  boolean isOf(String otherImage, String otherTag) {
    return image.equals(otherImage) && tag.equals(otherTag);
  }

  /** Returns how it is now. */
  public synchronized Snapshot snapshot() {
    long now = outcome.isFinal() ? end : System.nanoTime();
    Map<Step, Duration> times = new EnumMap<>(Step.class);
    nanos.forEach((each, time) -> times.put(each, Duration.ofNanos(time)));
    if (!outcome.isFinal()) {
      times.merge(step, Duration.ofNanos(now - stepStart), Duration::plus);
    }
    return new Snapshot(
        id,
        image,
        tag,
        begun,
        Duration.ofNanos(now - start),
        step,
        times,
        new Counts(packages, built, toBuild, fetched, toFetch, layers, packed, reused, packedBytes),
        outcome,
        version);
  }

  /**
   * Returns part of the log.
   *
   * @param number the line to begin with; where that is gone, the first that is left
   * @param atMost how many lines
   * @return the lines, which may be none
   */
  public synchronized LogLines log(long number, int atMost) {
    return log.from(number, atMost);
  }

  /**
   * Waits until something changes, or for a while.
   *
   * @param seen the version that the caller knows
   * @param atMost how long to wait
   * @return whether there is something new
   * @throws InterruptedException if the calling thread is interrupted
   */
  public synchronized boolean await(long seen, Duration atMost) throws InterruptedException {
    long deadline = System.nanoTime() + atMost.toNanos();
    while (version == seen) {
      long left = deadline - System.nanoTime();
      if (left <= 0) {
        return false;
      }
      TimeUnit.NANOSECONDS.timedWait(this, Math.max(left, 1_000_000));
    }
    return true;
  }

  synchronized long logCharacters() {
    return log.characters();
  }

  synchronized void forgetLog() {
    log.clear();
  }
}

package nixery.server.registry;

import static java.lang.System.Logger.Level.DEBUG;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Ends the wait for clients that neither go on nor go away. Sockets here have no timeout of their
 * own for writing, so a client that stops reading would hold its thread, its socket and its file
 * for as long as it likes.
 *
 * <p>The thread of a connection calls {@link #begin} when it starts to depend on its client, again
 * whenever the client has made progress, and {@link #end} when it no longer waits. If too much time
 * passes in between, the thread is interrupted, which closes the socket that it waits for.
 */
public final class StallGuard implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(StallGuard.class.getName());
  private static final Duration LONGEST_PERIOD = Duration.ofSeconds(5);

  /** From the threads that wait to the time since when, in nanoseconds. */
  private final Map<Thread, Long> waiting = new ConcurrentHashMap<>();

  private final Duration limit;
  private final Thread thread;

  /**
   * Starts to watch.
   *
   * @param limit how long a client may take for each step
   */
  StallGuard(Duration limit) {
    this.limit = limit;
    this.thread = Thread.ofPlatform().daemon().name("registry-stall-guard").start(this::watch);
  }

  /** Says that the calling thread waits for its client from now on. */
  public void begin() {
    waiting.put(Thread.currentThread(), System.nanoTime());
  }

  /** Says that the calling thread does not wait any more. */
  public void end() {
    if (waiting.remove(Thread.currentThread()) == null) {
      // It came too late to interrupt the wait. It must not interrupt anything else.
      Thread.interrupted();
    }
  }

  private void watch() {
    Duration quarter = limit.dividedBy(4);
    try {
      while (true) {
        Thread.sleep(quarter.compareTo(LONGEST_PERIOD) < 0 ? quarter : LONGEST_PERIOD);
        for (Thread waiter : waiting.keySet()) {
          waiting.computeIfPresent(waiter, this::interruptIfLate);
        }
      }
    } catch (InterruptedException e) {
      LOG.log(DEBUG, "closed");
    }
  }

  /** Runs while nobody else can change the entry. */
  private Long interruptIfLate(Thread waiter, Long since) {
    if (System.nanoTime() - since < limit.toNanos()) {
      return since;
    }
    LOG.log(DEBUG, "a client made no progress for {0}; its connection is closed", limit);
    waiter.interrupt();
    return null;
  }

  @Override
  public void close() {
    thread.interrupt();
  }
}

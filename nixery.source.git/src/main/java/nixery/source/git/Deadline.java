package nixery.source.git;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Interrupts a thread, the one that creates it, when a time has passed between its start and its
 * end. A virtual thread that waits for a socket is then woken up, too.
 */
final class Deadline implements AutoCloseable {

  private final Duration limit;
  private final Thread thread = Thread.currentThread();
  private boolean started;
  private long end;
  private boolean over;
  private boolean closed;

  private Deadline(Duration limit) {
    this.limit = limit;
  }

  /** Returns one that has started. */
  static Deadline in(Duration limit) {
    Deadline deadline = unstarted(limit);
    deadline.start();
    return deadline;
  }

  /** Returns one for {@link #start}. */
  static Deadline unstarted(Duration limit) {
    return new Deadline(limit);
  }

  /** Lets the time run from now on, unless it does already. */
  synchronized void start() {
    if (!started) {
      started = true;
      end = System.nanoTime() + limit.toNanos();
      CompletableFuture.delayedExecutor(limit.toNanos(), TimeUnit.NANOSECONDS, Runnable::run)
          .execute(this::interrupt);
    }
  }

  private synchronized void interrupt() {
    if (!closed) {
      over = true;
      thread.interrupt();
    }
  }

  /** Tells whether the time has passed. */
  synchronized boolean isOver() {
    return over || (started && System.nanoTime() - end >= 0);
  }

  /** Returns how long it was to be. */
  Duration limit() {
    return limit;
  }

  /** Takes back all interruptions: JGit's timers for single reads leave some behind, too. */
  @Override
  @SuppressWarnings("CheckReturnValue")
  public synchronized void close() {
    closed = true;
    Thread.interrupted();
  }
}

package nixery.source.git;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Interrupts a thread, the one that creates it, when a time has passed before it is closed. A
 * virtual thread that waits for a socket is then woken up, too.
 */
final class Deadline implements AutoCloseable {

  private final Duration limit;
  private final long end;
  private final Thread thread = Thread.currentThread();
  private boolean over;
  private boolean closed;

  private Deadline(Duration limit) {
    this.limit = limit;
    this.end = System.nanoTime() + limit.toNanos();
  }

  static Deadline in(Duration limit) {
    Deadline deadline = new Deadline(limit);
    CompletableFuture.delayedExecutor(limit.toNanos(), TimeUnit.NANOSECONDS, Runnable::run)
        .execute(deadline::interrupt);
    return deadline;
  }

  private synchronized void interrupt() {
    if (!closed) {
      over = true;
      thread.interrupt();
    }
  }

  /** Tells whether the time has passed. */
  synchronized boolean isOver() {
    return over || System.nanoTime() - end >= 0;
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

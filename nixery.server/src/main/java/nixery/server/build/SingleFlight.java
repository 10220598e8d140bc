package nixery.server.build;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Supplier;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import nixery.server.failure.FailureKind;

/**
 * Does work once for all who want its result at the same time. The work runs on a thread of its
 * own: whoever leaves, by being interrupted, does not stop it for the others.
 *
 * <p>A failure that is the client's is told for a moment longer, since Docker asks twice for what
 * fails: HEAD, and then GET to learn why.
 *
 * @param <K> what tells one piece of work from another
 * @param <V> the result
 */
final class SingleFlight<K, V> {

  private final ConcurrentMap<K, CompletableFuture<V>> flights = new ConcurrentHashMap<>();
  private final ExecutorService executor;
  private volatile boolean closed;
  private final Duration failuresLast;

  SingleFlight(ExecutorService executor, Duration failuresLast) {
    this.executor = executor;
    this.failuresLast = failuresLast;
  }

  /** Returns the result of the work under this key that is going on, or that is begun now. */
  V get(K key, Supplier<V> work) {
    CompletableFuture<V> mine = new CompletableFuture<>();
    CompletableFuture<V> flight = flights.putIfAbsent(key, mine);
    if (flight == null) {
      flight = mine;
      try {
        if (closed) {
          throw new RejectedExecutionException("closed");
        }
        executor.execute(() -> fly(key, work, mine));
      } catch (RejectedExecutionException e) {
        flights.remove(key, mine);
        mine.completeExceptionally(new Failure(FailureCode.INTERRUPTED, Interruptible.STOPPING, e));
      }
    }
    try {
      return flight.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Failure(FailureCode.INTERRUPTED, "interrupted while waiting for a build", e);
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        // Each caller gets an exception with a stack trace of its own.
        case Failure failure -> throw new Failure(failure.code(), failure.getMessage(), failure);
        case Throwable other -> throw new Failure(FailureCode.INTERNAL, "build broke", other);
      }
    }
  }

  /** Takes no new work from now on: who comes with some is told that the server is stopping. */
  void close() {
    closed = true;
  }

  /** Tells whether no work is going on, whose result somebody may wait for or not. */
  boolean isIdle() {
    return flights.values().stream().allMatch(CompletableFuture::isDone);
  }

  private void fly(K key, Supplier<V> work, CompletableFuture<V> result) {
    try {
      V value = work.get();
      flights.remove(key, result);
      result.complete(value);
    } catch (Throwable e) { // whoever waits must hear of it, whatever it is
      if (e instanceof Failure failure && failure.code().kind() == FailureKind.USER) {
        result.completeExceptionally(e);
        linger();
        flights.remove(key, result);
      } else {
        flights.remove(key, result);
        result.completeExceptionally(e);
      }
    }
  }

  private void linger() {
    try {
      Thread.sleep(failuresLast);
    } catch (InterruptedException e) {
      // The server is stopping.
      Thread.currentThread().interrupt();
    }
  }
}

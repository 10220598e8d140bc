package nixery.source.git;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import nixery.api.source.SourceUnavailableException;

/**
 * Shares what is slow to find out: all who ask for the same thing while it is being found out, or
 * for a short time after, get the same answer. Failures are shared by those who wait, and not kept.
 * Thread-safe.
 *
 * @param <K> what is asked for
 * @param <V> the answer
 */
final class SharedLookups<K, V> implements AutoCloseable {

  /** So that asking for ever new things costs no memory. */
  private static final int MOST = 10_000;

  private record Lookup<V>(CompletableFuture<V> answer, Thread thread) {}

  private final Duration fresh;
  private final ConcurrentHashMap<K, Lookup<V>> current = new ConcurrentHashMap<>();

  /**
   * Makes one.
   *
   * @param fresh how long an answer is kept
   */
  SharedLookups(Duration fresh) {
    this.fresh = fresh;
  }

  /**
   * Finds something out.
   *
   * @param key what
   * @param lookup how; it runs on a virtual thread of its own, so that nobody who gives up disturbs
   *     the others
   * @return the answer
   */
  V get(K key, Supplier<V> lookup) {
    Lookup<V> shared = current.computeIfAbsent(key, absent -> start(key, lookup));
    try {
      return shared.answer().get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SourceUnavailableException("Interrupted while waiting for an answer.", e);
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case RuntimeException failure -> throw failure;
        case Error failure -> throw failure;
        default -> throw new IllegalStateException(e.getCause());
      }
    }
  }

  private Lookup<V> start(K key, Supplier<V> lookup) {
    CompletableFuture<V> answer = new CompletableFuture<>();
    Thread thread =
        Thread.ofVirtual().name("looking up " + key).unstarted(() -> run(key, lookup, answer));
    thread.start();
    return new Lookup<>(answer, thread);
  }

  private void run(K key, Supplier<V> lookup, CompletableFuture<V> answer) {
    try {
      V found = lookup.get();
      if (current.size() > MOST) {
        forget(key, answer);
      } else {
        CompletableFuture.delayedExecutor(fresh.toNanos(), TimeUnit.NANOSECONDS, Runnable::run)
            .execute(() -> forget(key, answer));
      }
      answer.complete(found);
    } catch (RuntimeException | Error e) {
      forget(key, answer);
      answer.completeExceptionally(e);
    }
  }

  private void forget(K key, CompletableFuture<V> answer) {
    current.computeIfPresent(key, (same, lookup) -> lookup.answer() == answer ? null : lookup);
  }

  /** Interrupts what is being found out. */
  @Override
  public void close() {
    current.values().forEach(lookup -> lookup.thread().interrupt());
  }
}

package nixery.source.git;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
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

  /** So that asking for many things costs the server neither sockets nor its host's patience. */
  private static final int MOST_AT_ONCE = 16;

  /** How long to wait for others before anything is asked. */
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final Duration fresh;
  private final Semaphore slots = new Semaphore(MOST_AT_ONCE, true);
  private final ConcurrentHashMap<K, CompletableFuture<V>> current = new ConcurrentHashMap<>();
  private final Set<Thread> running = ConcurrentHashMap.newKeySet();

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
    CompletableFuture<V> own = new CompletableFuture<>();
    CompletableFuture<V> shared = current.putIfAbsent(key, own);
    if (shared == null) {
      shared = own;
      Thread.ofVirtual().name("looking up " + key).start(() -> run(key, lookup, own));
    }
    try {
      return shared.get();
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

  private void run(K key, Supplier<V> lookup, CompletableFuture<V> answer) {
    running.add(Thread.currentThread());
    try {
      V found = lookUp(lookup);
      if (current.size() > MOST) {
        current.remove(key, answer);
      } else {
        CompletableFuture.delayedExecutor(fresh.toNanos(), TimeUnit.NANOSECONDS, Runnable::run)
            .execute(() -> current.remove(key, answer));
      }
      answer.complete(found);
    } catch (RuntimeException | Error e) {
      current.remove(key, answer);
      answer.completeExceptionally(e);
    } finally {
      running.remove(Thread.currentThread());
    }
  }

  private V lookUp(Supplier<V> lookup) {
    try {
      if (!slots.tryAcquire(PATIENCE.toNanos(), TimeUnit.NANOSECONDS)) {
        throw new SourceUnavailableException("Too many tags are looked up at the same time.");
      }
    } catch (InterruptedException e) {
      throw new SourceUnavailableException("Interrupted while waiting for other look-ups.", e);
    }
    try {
      return lookup.get();
    } finally {
      slots.release();
    }
  }

  /** Interrupts what is being found out. */
  @Override
  public void close() {
    running.forEach(Thread::interrupt);
  }
}

package nixery.server.build;

import java.time.Duration;
import java.util.Comparator;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import nixery.api.source.PackageSource;
import nixery.api.source.ResolvedTag;
import nixery.api.source.SourceException;
import nixery.api.source.SourceUnavailableException;
import nixery.api.source.UnknownTagException;
import nixery.server.metrics.Metrics;
import nixery.server.metrics.Phase;

/**
 * Knows what tags stand for. What is asked for the first time is asked of the source; while it is
 * in use, the source is asked again in the background, as often as {@link PackageSource#freshness}
 * says, so that nobody waits for it. Thread-safe.
 *
 * <p>As long as the source cannot be reached, what is in use goes on standing for what it stood
 * for, with a warning.
 */
final class KnownTags implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(KnownTags.class.getName());

  /** For how long after it was asked for a tag is in use. */
  static final Duration IN_USE = Duration.ofMinutes(5);

  /** How many tags are known at the same time. */
  private static final int MOST = 1000;

  /** How many tags are asked for again at a time, so that clients' first questions have room. */
  private static final int AT_A_TIME = 4;

  private final PackageSource source;
  private final Metrics metrics;
  private final Duration freshness;
  private final Map<String, Known> tags = new ConcurrentHashMap<>();
  private final Map<String, String> warnings = new ConcurrentHashMap<>();
  private final Semaphore refreshing = new Semaphore(AT_A_TIME);
  private final ExecutorService threads =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("tags-", 0).factory());

  /** What is known about a tag. */
  private static final class Known {

    private volatile ResolvedTag answer;
    private volatile long used = System.nanoTime();

    /** Written by the thread that refreshes only, and by the one that it starts. */
    private volatile boolean asking;

    Known(ResolvedTag answer) {
      this.answer = answer;
    }
  }

  /**
   * Begins to keep answers fresh.
   *
   * @param source is asked
   * @param metrics gets what is measured
   */
  KnownTags(PackageSource source, Metrics metrics) {
    this.source = source;
    this.metrics = metrics;
    this.freshness = source.freshness();
    if (freshness.isPositive()) {
      threads.execute(this::refreshForever);
    }
  }

  /**
   * Returns what a tag stands for.
   *
   * @param tag as the client sent it
   * @return the answer, no older than {@link PackageSource#freshness} and the time that an answer
   *     takes, unless it has a warning
   * @throws SourceException if the source has no answer and never had one
   */
  ResolvedTag resolve(String tag) {
    Known known = tags.get(tag);
    if (known != null) {
      known.used = System.nanoTime();
      return known.answer;
    }
    ResolvedTag answer = ask(tag);
    // Without a revision, what it stands for may have changed although the answer has not.
    if (freshness.isPositive() && answer.revision().isPresent()) {
      makeRoom();
      tags.put(tag, new Known(answer));
    }
    return answer;
  }

  private ResolvedTag ask(String tag) {
    ResolvedTag answer = metrics.time(Phase.RESOLVE_TAG, () -> source.resolve(tag));
    note(answer);
    return answer;
  }

  /** Logs a warning when it comes up, not with every answer while it lasts. */
  private void note(ResolvedTag answer) {
    Optional<String> warning = answer.warning();
    if (warning.isEmpty()) {
      warnings.remove(answer.tag());
      return;
    }
    metrics.sourceWarned();
    if (warnings.size() > MOST) {
      warnings.clear();
    }
    boolean lasts = !warnings.isEmpty() && warnings.containsValue(warning.get());
    warnings.put(answer.tag(), warning.get());
    if (!lasts) {
      LOG.log(System.Logger.Level.WARNING, warning.get());
    }
  }

  private void makeRoom() {
    while (tags.size() >= MOST) {
      tags.entrySet().stream()
          .min(Comparator.comparingLong(entry -> entry.getValue().used - System.nanoTime()))
          .ifPresent(oldest -> tags.remove(oldest.getKey(), oldest.getValue()));
    }
  }

  private void refreshForever() {
    try {
      while (true) {
        Thread.sleep(freshness);
        refreshAll();
      }
    } catch (InterruptedException | RejectedExecutionException e) {
      LOG.log(System.Logger.Level.DEBUG, "closed");
    }
  }

  private void refreshAll() {
    try {
      tags.forEach(this::refresh);
    } catch (RejectedExecutionException e) {
      throw e;
    } catch (RuntimeException e) {
      LOG.log(System.Logger.Level.ERROR, "tags could not be refreshed", e);
    }
  }

  private void refresh(String tag, Known known) {
    if (System.nanoTime() - known.used > IN_USE.toNanos()) {
      tags.remove(tag, known);
    } else if (!known.asking) {
      known.asking = true;
      threads.execute(() -> {
        try {
          refreshing.acquire();
          try {
            askAgain(tag, known);
          } finally {
            refreshing.release();
          }
        } catch (InterruptedException e) {
          LOG.log(System.Logger.Level.DEBUG, "closed");
        } finally {
          known.asking = false;
        }
      });
    }
  }

  private void askAgain(String tag, Known known) {
    try {
      ResolvedTag answer = ask(tag);
      known.answer = answer;
      if (answer.revision().isEmpty()) {
        tags.remove(tag, known);
      }
    } catch (UnknownTagException e) {
      tags.remove(tag, known);
    } catch (SourceUnavailableException e) {
      ResolvedTag stale =
          new ResolvedTag(
              tag,
              known.answer.revision(),
              Optional.of("tags are taken for what they were: " + e.getMessage()));
      known.answer = stale;
      note(stale);
    } catch (RuntimeException e) {
      // The next request is told.
      tags.remove(tag, known);
      LOG.log(System.Logger.Level.WARNING, "the package source failed", e);
    }
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }
}

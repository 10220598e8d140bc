package nixery.server.progress;

import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;

/** The builds that go on in this process and those that ended lately. Thread-safe. */
public final class Builds {

  /** How many builds that ended are remembered, and as many that failed. */
  static final int MAX_ENDED = 100;

  /** How many characters of the logs of builds that ended are remembered. */
  static final long MAX_ENDED_LOGS = 16L << 20;

  private static final String SERVER_FAILED = "The server failed; its log says why.";

  /** Makes ids differ between processes. */
  private final String prefix = "%06x-".formatted(new SecureRandom().nextInt(1 << 24));

  private final AtomicLong number = new AtomicLong();
  private final boolean keepLogs;
  private final UnaryOperator<String> redaction;
  private final Map<String, Build> running = new LinkedHashMap<>();
  private final Deque<Build> ended = new ArrayDeque<>();
  private final Deque<Build> failed = new ArrayDeque<>();

  /**
   * Creates one without builds.
   *
   * @param keepLogs whether the logs of builds are kept
   * @param redaction what is taken out of all that is kept
   */
  public Builds(boolean keepLogs, Redaction redaction) {
    this.keepLogs = keepLogs;
    this.redaction = redaction::apply;
  }

  /**
   * Builds. What is thrown is remembered as the reason why there is no image.
   *
   * @param image the canonical name of what is built
   * @param tag that it is built for
   * @param work builds, and tells what happens
   * @param <V> what it builds
   * @return what it built
   */
  public <V> V run(String image, String tag, Function<Build, V> work) {
    Build build = new Build(prefix + number.incrementAndGet(), image, tag, keepLogs, redaction);
    synchronized (this) {
      running.put(build.id(), build);
    }
    Outcome outcome = new Outcome.Failed(FailureCode.INTERNAL, SERVER_FAILED);
    try {
      V result = work.apply(build);
      outcome = new Outcome.Done();
      return result;
    } catch (Failure e) {
      if (e.code() != FailureCode.INTERNAL) {
        outcome = new Outcome.Failed(e.code(), redaction.apply(e.getMessage()));
      }
      throw e;
    } finally {
      build.end(outcome);
      remember(build, outcome);
    }
  }

  private synchronized void remember(Build build, Outcome outcome) {
    running.remove(build.id());
    add(ended, build);
    if (outcome instanceof Outcome.Failed) {
      add(failed, build);
    }
    long characters = 0;
    for (Build each : (Iterable<Build>) newestFirst()::iterator) {
      characters += each.logCharacters();
      if (characters > MAX_ENDED_LOGS) {
        each.forgetLog();
      }
    }
  }

  private static void add(Deque<Build> builds, Build build) {
    builds.addFirst(build);
    if (builds.size() > MAX_ENDED) {
      builds.removeLast();
    }
  }

  /** Returns all that ended: those that are failures only are older than the rest. */
  private Stream<Build> newestFirst() {
    return Stream.concat(ended.stream(), failed.stream().filter(build -> !ended.contains(build)));
  }

  /**
   * Finds a build that goes on or ended lately.
   *
   * @param id of it
   * @return the build; empty if it was another server's, or is forgotten
   */
  public synchronized Optional<Build> find(String id) {
    return Optional.ofNullable(running.get(id))
        .or(() -> newestFirst().filter(build -> build.id().equals(id)).findFirst());
  }

  /**
   * Finds the newest build of an image.
   *
   * @param image its canonical name
   * @param tag that it is or was built for
   * @return the build; one that goes on rather than one that ended
   */
  public synchronized Optional<Build> newest(String image, String tag) {
    return Stream.concat(running.values().stream(), newestFirst())
        .filter(build -> build.isOf(image, tag))
        .findFirst();
  }

  /** Returns the builds that go on, oldest first. */
  public synchronized List<Build> running() {
    return List.copyOf(running.values());
  }

  /** Returns the builds that ended lately, newest first. */
  public synchronized List<Build> ended() {
    return List.copyOf(ended);
  }

  /** Returns the builds that failed lately, newest first. */
  public synchronized List<Build> failed() {
    return List.copyOf(failed);
  }
}

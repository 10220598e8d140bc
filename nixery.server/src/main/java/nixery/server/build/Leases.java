package nixery.server.build;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import nixery.api.storage.Key;
import nixery.api.storage.Storage;
import nixery.api.storage.StorageException;
import nixery.api.storage.VersionedRecord;

/**
 * Lets one of several servers on the same storage do a piece of work while the others wait for its
 * result. The one who does it holds a record, {@code leases/…}, and writes it anew a few times per
 * {@link #duration}, each time with what its clock shows. Whoever sees the same version of it for
 * longer than that takes it over.
 *
 * <p>A server that crashed leaves several leases, of an image and of its layers, which others meet
 * one after the other. That each need not be watched anew, they reckon by the clock of its owner:
 * once a lease shows that this clock was at least at 12:00, and 30 seconds have passed here, it
 * must be at 12:00:30 by now, and any lease of this owner from before 12:00 is as old as that. No
 * clocks are compared between machines, and each lease is judged by itself.
 *
 * <p>A lease saves work and protects nothing: if two servers work at once after all (one was
 * suspended for a while), both store the same bytes under the same keys.
 */
final class Leases {

  private static final System.Logger LOG = System.getLogger(Leases.class.getName());
  private static final Duration SHORTEST_PAUSE = Duration.ofMillis(20);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(1);

  private static final Duration GIVING_UP = Duration.ofSeconds(2);

  /** For how many durations a clock is trusted to go as fast as ours. */
  private static final int TRUST = 10;

  /** Names this server in its leases. */
  private final String owner = ProcessHandle.current().pid() + "-" + UUID.randomUUID();

  private final Storage storage;
  private final Duration duration;

  /** Our clock, in nanoseconds since some time. */
  private final LongSupplier clock;

  /** What is known of the clocks of owners. */
  private final Map<String, Reading> readings = new ConcurrentHashMap<>();

  Leases(Storage storage, Duration duration) {
    this(storage, duration, System::nanoTime);
  }

  Leases(Storage storage, Duration duration, LongSupplier clock) {
    this.storage = storage;
    this.duration = duration;
    this.clock = clock;
  }

  /**
   * That an owner's clock showed this, or more.
   *
   * @param shown in nanoseconds since some time of the owner's own
   * @param here when, by our clock
   */
  private record Reading(long shown, long here) {

    /** Returns what it must show, or more, at a time by our clock. */
    long at(long time) {
      return shown + (time - here);
    }
  }

  /**
   * Returns a result that may be there already, or come to be there, or be made here.
   *
   * @param name of the work, a segment of a storage key
   * @param lookUp looks for the result in the storage
   * @param work makes the result and stores it where lookUp finds it
   */
  <V> V findOrMake(String name, Supplier<Optional<V>> lookUp, Supplier<V> work) {
    Key key = Key.of("leases", name);
    String seenVersion = "";
    long seenSince = clock.getAsLong();
    Duration pause = SHORTEST_PAUSE;
    while (true) {
      Optional<V> there = lookUp.get();
      if (there.isPresent()) {
        return there.get();
      }
      Optional<VersionedRecord> holder = storage.readRecord(key);
      String version = holder.map(VersionedRecord::version).orElse("");
      if (!version.equals(seenVersion)) {
        seenVersion = version;
        seenSince = clock.getAsLong();
      }
      boolean expired = clock.getAsLong() - seenSince > duration.toNanos();
      if (expired || holder.map(this::isOld).orElse(true)) {
        Optional<String> mine =
            storage.writeRecord(key, newValue(), holder.map(VersionedRecord::version));
        if (mine.isPresent()) {
          return workWhileHolding(key, mine.get(), lookUp, work);
        }
      }
      pause(pause);
      pause = pause.multipliedBy(2);
      pause = pause.compareTo(LONGEST_PAUSE) < 0 ? pause : LONGEST_PAUSE;
    }
  }

  private <V> V workWhileHolding(
      Key key, String version, Supplier<Optional<V>> lookUp, Supplier<V> work) {
    try (Heartbeat _ = new Heartbeat(key, version)) {
      // Somebody may have finished between our look and our taking the lease.
      return lookUp.get().orElseGet(work);
    }
  }

  /** Returns the owner and what its clock shows. */
  private byte[] newValue() {
    return (owner + " " + clock.getAsLong()).getBytes(StandardCharsets.UTF_8);
  }

  private static String[] parts(VersionedRecord lease) {
    return new String(lease.bytes(), StandardCharsets.UTF_8).split(" ", 2);
  }

  private static String ownerOf(VersionedRecord lease) {
    return parts(lease)[0];
  }

  /** Returns whether a lease has expired already by the clock of its owner. */
  private boolean isOld(VersionedRecord lease) {
    String[] parts = parts(lease);
    if (parts.length != 2 || !parts[1].matches("-?[0-9]{1,18}")) {
      return false; // Another version of the program wrote it.
    }
    long written = Long.parseLong(parts[1]);
    long now = clock.getAsLong();
    readings.values().removeIf(reading -> now - reading.here > TRUST * duration.toNanos());
    Reading reading =
        readings.merge(
            parts[0],
            new Reading(written, now),
            (known, latest) -> latest.shown > known.at(now) ? latest : known);
    return reading.at(now) - written > duration.toNanos();
  }

  private static void pause(Duration pause) {
    Interruptible.run(() -> {
      Thread.sleep(pause);
      return pause;
    });
  }

  /** Renews a lease until it is closed, and then gives it up. */
  private final class Heartbeat implements AutoCloseable {

    private final Key key;
    private final CountDownLatch done = new CountDownLatch(1);
    private final Thread thread;
    private String version;

    Heartbeat(Key key, String version) {
      this.key = key;
      this.version = version;
      this.thread = Thread.ofVirtual().name("lease-" + key).start(this::beat);
    }

    private void beat() {
      try {
        while (!done.await(duration.toMillis() / 4, TimeUnit.MILLISECONDS)) {
          if (!renew()) {
            LOG.log(System.Logger.Level.WARNING, "another server took over {0}", key);
            return;
          }
        }
        storage.removeRecord(key, version);
      } catch (StorageException e) {
        LOG.log(System.Logger.Level.WARNING, "cannot give up " + key + ", which will expire", e);
      } catch (InterruptedException e) {
        throw new AssertionError("nobody interrupts this thread", e);
      }
    }

    /** Returns whether the lease may still be ours. */
    private boolean renew() {
      try {
        Optional<String> renewed = storage.writeRecord(key, newValue(), Optional.of(version));
        if (renewed.isEmpty()) {
          // Unless this is what an earlier attempt wrote, of which we were told that it failed.
          renewed =
              storage
                  .readRecord(key)
                  .filter(lease -> ownerOf(lease).equals(owner))
                  .map(VersionedRecord::version);
        }
        renewed.ifPresent(newer -> version = newer);
        return renewed.isPresent();
      } catch (StorageException e) {
        LOG.log(System.Logger.Level.WARNING, "cannot renew " + key, e);
        return true;
      }
    }

    /** Lets the lease go; if the storage is slow about it, the result does not wait for that. */
    @Override
    public void close() {
      done.countDown();
      // A thread that was interrupted gives up what it holds, too.
      boolean interrupted = Thread.interrupted();
      try {
        thread.join(GIVING_UP);
      } catch (InterruptedException e) {
        interrupted = true;
      } finally {
        if (interrupted) {
          Thread.currentThread().interrupt();
        }
      }
    }
  }
}

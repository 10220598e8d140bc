package nixery.server.build;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import nixery.api.storage.Key;
import nixery.api.storage.Storage;
import nixery.api.storage.StorageException;
import nixery.api.storage.VersionedRecord;

/**
 * Lets one of several servers on the same storage do a piece of work while the others wait for its
 * result. The one who does it holds a record, {@code leases/…}, and writes it anew a few times per
 * {@link #duration}. Whoever sees the same version of it for longer than that takes it over: no
 * clocks are compared between machines.
 *
 * <p>A lease saves work and protects nothing: if two servers work at once after all (one was
 * suspended for a while), both store the same bytes under the same keys.
 */
final class Leases {

  private static final System.Logger LOG = System.getLogger(Leases.class.getName());
  private static final Duration SHORTEST_PAUSE = Duration.ofMillis(20);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(1);

  private static final Duration GIVING_UP = Duration.ofSeconds(2);

  /** Names this server in its leases. */
  private final String owner = ProcessHandle.current().pid() + "-" + UUID.randomUUID();

  private final Storage storage;
  private final Duration duration;

  Leases(Storage storage, Duration duration) {
    this.storage = storage;
    this.duration = duration;
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
    long seenSince = System.nanoTime();
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
        seenSince = System.nanoTime();
      }
      boolean expired = System.nanoTime() - seenSince > duration.toNanos();
      if (holder.isEmpty() || expired) {
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

  /** Returns the owner and something that is new each time. */
  private byte[] newValue() {
    return (owner + " " + UUID.randomUUID()).getBytes(StandardCharsets.UTF_8);
  }

  private static String ownerOf(VersionedRecord lease) {
    return new String(lease.bytes(), StandardCharsets.UTF_8).split(" ", 2)[0];
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

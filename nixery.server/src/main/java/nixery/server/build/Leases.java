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
      pause =
          pause.multipliedBy(2).compareTo(LONGEST_PAUSE) < 0
              ? pause.multipliedBy(2)
              : LONGEST_PAUSE;
    }
  }

  private <V> V workWhileHolding(
      Key key, String version, Supplier<Optional<V>> lookUp, Supplier<V> work) {
    try (Heartbeat _ = new Heartbeat(key, version)) {
      // Somebody may have finished between our look and our taking the lease.
      return lookUp.get().orElseGet(work);
    }
  }

  private static byte[] newValue() {
    String owner = ProcessHandle.current().pid() + " " + UUID.randomUUID();
    return owner.getBytes(StandardCharsets.UTF_8);
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
    private volatile String version;

    Heartbeat(Key key, String version) {
      this.key = key;
      this.version = version;
      this.thread = Thread.ofVirtual().name("lease-" + key).start(this::beat);
    }

    private void beat() {
      try {
        while (!done.await(duration.toMillis() / 4, TimeUnit.MILLISECONDS)) {
          try {
            Optional<String> renewed = storage.writeRecord(key, newValue(), Optional.of(version));
            if (renewed.isEmpty()) {
              LOG.log(System.Logger.Level.WARNING, "another server took over {0}", key);
              return;
            }
            version = renewed.get();
          } catch (StorageException e) {
            LOG.log(System.Logger.Level.WARNING, "cannot renew " + key, e);
          }
        }
      } catch (InterruptedException e) {
        throw new AssertionError("nobody interrupts this thread", e);
      }
    }

    @Override
    public void close() {
      done.countDown();
      try {
        thread.join();
        storage.removeRecord(key, version);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (StorageException e) {
        LOG.log(System.Logger.Level.WARNING, "cannot give up " + key + ", which will expire", e);
      }
    }
  }
}

package nixery.server.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import nixery.api.PluginContext;
import nixery.api.Settings;
import nixery.api.storage.Key;
import nixery.api.storage.Storage;
import nixery.api.storage.VersionedRecord;
import nixery.storage.fs.FileSystemStorageProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class LeasesTests {

  private static final Key RESULT = Key.of("layers", "result");
  private static final long MINUTE = Duration.ofMinutes(1).toNanos();

  @TempDir Path folder;

  private Storage open() {
    Map<String, String> environment = Map.of("STORAGE_PATH", folder.resolve("storage").toString());
    return new FileSystemStorageProvider()
        .open(new PluginContext(Settings.of(environment), folder));
  }

  private static Optional<String> result(Storage storage) {
    return storage
        .readRecord(RESULT)
        .map(VersionedRecord::bytes)
        .map(bytes -> new String(bytes, StandardCharsets.UTF_8));
  }

  private static String make(Storage storage, String value) {
    storage.writeRecord(RESULT, value.getBytes(StandardCharsets.UTF_8), Optional.empty());
    return value;
  }

  @Test
  void whatIsThereIsNotMadeAgain() {
    try (Storage storage = open()) {
      make(storage, "there");
      Leases leases = new Leases(storage, Duration.ofSeconds(30));
      String found =
          leases.findOrMake(
              "work",
              () -> result(storage),
              () -> {
                throw new AssertionError("made again");
              });
      assertThat(found).isEqualTo("there");
    }
  }

  @Test
  void ofManyServersOneDoesTheWork() {
    try (Storage one = open();
        Storage other = open()) {
      AtomicInteger worked = new AtomicInteger();
      assertThat(
              Parallel.map(
                  Collections.nCopies(5, one).stream()
                      .flatMap(each -> Stream.of(each, other))
                      .toList(),
                  storage ->
                      new Leases(storage, Duration.ofSeconds(30))
                          .findOrMake(
                              "work",
                              () -> result(storage),
                              () -> {
                                worked.incrementAndGet();
                                return make(storage, "made");
                              })))
          .hasSize(10)
          .containsOnly("made");
      assertThat(worked).hasValue(1);
      assertThat(one.list("leases/")).isEmpty();
    }
  }

  @Test
  void theLeaseOfADeadServerExpires() {
    try (Storage storage = open()) {
      storage.writeRecord(Key.of("leases", "work"), new byte[] {1}, Optional.empty());
      Leases leases = new Leases(storage, Duration.ofMillis(300));
      assertThat(leases.findOrMake("work", () -> result(storage), () -> make(storage, "made")))
          .isEqualTo("made");
    }
  }

  @Test
  void theLeaseOfALivingServerIsRenewed() throws InterruptedException {
    try (Storage storage = open()) {
      Leases leases = new Leases(storage, Duration.ofMillis(400));
      CountDownLatch begun = new CountDownLatch(1);
      AtomicInteger worked = new AtomicInteger();
      Thread slow =
          Thread.startVirtualThread(() ->
              leases.findOrMake(
                  "work",
                  () -> result(storage),
                  () -> {
                    begun.countDown();
                    worked.incrementAndGet();
                    return Interruptible.run(() -> {
                      Thread.sleep(2000);
                      return make(storage, "slowly");
                    });
                  }));
      begun.await();
      assertThat(
              leases.findOrMake(
                  "work",
                  () -> result(storage),
                  () -> {
                    worked.incrementAndGet();
                    return "taken over";
                  }))
          .isEqualTo("slowly");
      slow.join();
      assertThat(worked).hasValue(1);
    }
  }

  @Test
  void workThatFailsGivesTheLeaseUp() {
    try (Storage storage = open()) {
      Leases leases = new Leases(storage, Duration.ofSeconds(30));
      for (int i : IntStream.range(0, 2).toArray()) {
        Optional<String> outcome = Optional.empty();
        try {
          leases.findOrMake(
              "work",
              () -> result(storage),
              () -> {
                throw new IllegalStateException("attempt " + i);
              });
        } catch (IllegalStateException e) {
          outcome = Optional.of(e.getMessage());
        }
        assertThat(outcome).contains("attempt " + i);
      }
    }
  }

  /** A server has crashed that held two leases, the second one of which is met within the first. */
  @Test
  void allLeasesOfADeadServerExpireTogether() {
    try (Storage storage = open()) {
      AtomicLong now = new AtomicLong(1_000_000);
      hold(storage, "image", 5_000);
      hold(storage, "layer", 5_000 + MINUTE / 4);
      Leases leases = new Leases(storage, Duration.ofMinutes(1), now::get);
      AtomicInteger looked = new AtomicInteger();
      assertThat(
              leases.findOrMake(
                  "image",
                  () -> {
                    // Time passes when the image's lease has been seen.
                    if (looked.incrementAndGet() == 2) {
                      now.addAndGet(MINUTE + MINUTE / 4 + 1);
                    }
                    return Optional.empty();
                  },
                  // This would wait for a minute that never passes.
                  () -> leases.findOrMake("layer", Optional::<String>empty, () -> "made")))
          .isEqualTo("made");
    }
  }

  /** One server lost a lease, but lives on. */
  @Test
  void theOtherLeasesOfALivingServerAreWaitedFor() {
    try (Storage storage = open()) {
      AtomicLong now = new AtomicLong(1_000_000);
      hold(storage, "old", 5_000);
      Leases leases = new Leases(storage, Duration.ofMinutes(1), now::get);
      takeOver(leases, "old", now, 2 * MINUTE);

      hold(storage, "new", 5_000 + 2 * MINUTE - MINUTE / 2);
      AtomicInteger looked = new AtomicInteger();
      assertThat(
              leases.findOrMake(
                  "new",
                  () -> Optional.of("made by the other").filter(_ -> looked.incrementAndGet() == 4),
                  () -> "taken over"))
          .isEqualTo("made by the other");
      takeOver(leases, "new", now, MINUTE / 2 + 1);
    }
  }

  /** A clock that stood still for a while, as when a machine is suspended, is read anew. */
  @Test
  void clocksAreTrustedForAWhileOnly() {
    try (Storage storage = open()) {
      AtomicLong now = new AtomicLong(1_000_000);
      hold(storage, "old", 5_000);
      Leases leases = new Leases(storage, Duration.ofMinutes(1), now::get);
      takeOver(leases, "old", now, 2 * MINUTE);

      now.addAndGet(9 * MINUTE);
      hold(storage, "new", 5_000);
      AtomicInteger looked = new AtomicInteger();
      assertThat(
              leases.findOrMake(
                  "new",
                  () -> Optional.of("made by the other").filter(_ -> looked.incrementAndGet() == 4),
                  () -> "taken over"))
          .isEqualTo("made by the other");
    }
  }

  private static void hold(Storage storage, String lease, long clock) {
    storage.writeRecord(
        Key.of("leases", lease),
        ("owner " + clock).getBytes(StandardCharsets.UTF_8),
        Optional.empty());
  }

  /** Lets time pass once the lease has been seen. */
  private static void takeOver(Leases leases, String lease, AtomicLong now, long time) {
    AtomicInteger looked = new AtomicInteger();
    assertThat(
            leases.findOrMake(
                lease,
                () -> {
                  if (looked.incrementAndGet() == 2) {
                    now.addAndGet(time);
                  }
                  return Optional.<String>empty();
                },
                () -> "taken over"))
        .isEqualTo("taken over");
    assertThat(looked).as("it was waited for").hasValueGreaterThan(2);
  }
}

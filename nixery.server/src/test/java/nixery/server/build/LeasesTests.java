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

  @Test
  void aServerWhoseLeaseExpiredOnceIsWaitedForAgain() {
    try (Storage storage = open()) {
      Leases other = new Leases(storage, Duration.ofMillis(300));
      // A lease that was left over, of a server that lives on.
      storage.writeRecord(
          Key.of("leases", "old"), "owner 1".getBytes(StandardCharsets.UTF_8), Optional.empty());
      assertThat(other.findOrMake("old", Optional::<String>empty, () -> "taken over"))
          .isEqualTo("taken over");

      storage.writeRecord(
          Key.of("leases", "new"), "owner 2".getBytes(StandardCharsets.UTF_8), Optional.empty());
      long begin = System.nanoTime();
      assertThat(other.findOrMake("new", Optional::<String>empty, () -> "taken over"))
          .isEqualTo("taken over");
      assertThat(Duration.ofNanos(System.nanoTime() - begin))
          .as("its other lease has its full time")
          .isGreaterThanOrEqualTo(Duration.ofMillis(300));
    }
  }
}

package nixery.api.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class RevisionCacheTests {

  private static final Duration DAY = Duration.ofDays(1);

  @TempDir Path folder;

  private final AtomicInteger made = new AtomicInteger();

  private void make(Path folder) throws IOException {
    made.incrementAndGet();
    Files.writeString(folder.resolve("default.nix"), "{ }");
    Files.createDirectory(folder.resolve("pkgs"));
    Files.createSymbolicLink(folder.resolve("pkgs/link"), Path.of("../default.nix"));
  }

  private RevisionCache open(int most) throws IOException {
    return RevisionCache.open(folder, most, DAY);
  }

  private List<String> kept() throws IOException {
    return names(folder.resolve("revisions"));
  }

  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void makesARevisionOnce() throws IOException {
    try (RevisionCache cache = open(3)) {
      try (PackageSet first = cache.get("a1", this::make);
          PackageSet second = cache.get("a1", this::make)) {
        assertThat(first.path()).isEqualTo(second.path()).isAbsolute().hasFileName("source");
        assertThat(first.path().resolve("pkgs/link")).hasContent("{ }");
      }
    }
    try (RevisionCache again = open(3);
        PackageSet set = again.get("a1", this::make)) {
      assertThat(set.path().resolve("default.nix")).hasContent("{ }");
    }
    assertThat(made).hasValue(1);
    assertThat(folder.resolve("scratch")).isEmptyDirectory();
  }

  @Test
  void callersAtTheSameTimeShareOneMaker() throws Exception {
    CountDownLatch waiting = new CountDownLatch(1);
    try (RevisionCache one = open(3);
        RevisionCache two = open(3)) {
      List<Callable<Path>> callers = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        RevisionCache cache = i % 2 == 0 ? one : two;
        callers.add(() -> {
          PackageSet set =
              cache.get(
                  "a1",
                  target -> {
                    waiting.await();
                    make(target);
                  });
          try (set) {
            return set.path().resolve("default.nix").toRealPath();
          }
        });
      }
      try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        List<Future<Path>> answers = callers.stream().map(threads::submit).toList();
        Thread.sleep(50);
        waiting.countDown();
        for (Future<Path> answer : answers) {
          assertThat(answer.get()).exists();
        }
      }
    }
    assertThat(made).hasValue(1);
  }

  @Test
  void aFailureIsSharedByThoseWhoWaitAndLeavesNothing() throws Exception {
    CountDownLatch waiting = new CountDownLatch(1);
    AtomicInteger failures = new AtomicInteger();
    try (RevisionCache cache = open(3)) {
      RevisionCache.Maker failing =
          target -> {
            Files.writeString(target.resolve("half"), "half");
            waiting.await();
            failures.incrementAndGet();
            throw new UnknownTagException("no commit a1");
          };
      try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        List<Future<PackageSet>> answers =
            Stream.generate(() -> threads.submit(() -> cache.get("a1", failing)))
                .limit(10)
                .toList();
        Thread.sleep(50);
        waiting.countDown();
        for (Future<PackageSet> answer : answers) {
          assertThatThrownBy(answer::get).hasCauseInstanceOf(UnknownTagException.class);
        }
      }
      assertThat(failures.get()).isLessThan(10);
      assertThat(kept()).isEmpty();
      cache.get("a1", this::make).close();
      assertThat(kept()).containsExactly("a1");
    }
    assertThat(folder.resolve("scratch")).isEmptyDirectory();
  }

  @Test
  void aBrokenDiskIsAnUnavailableSource() throws IOException {
    try (RevisionCache cache = open(3)) {
      assertThatThrownBy(() ->
              cache.get(
                  "a1",
                  target -> {
                    throw new IOException("No space left on device");
                  }))
          .isInstanceOf(SourceUnavailableException.class)
          .hasMessageContaining("No space left on device")
          .hasMessageContaining(folder.toRealPath().toString());
    }
  }

  @Test
  void anInterruptedCallerDoesNotDisturbTheOthers() throws Exception {
    CountDownLatch making = new CountDownLatch(1);
    CountDownLatch waiting = new CountDownLatch(1);
    RevisionCache.Maker slow =
        target -> {
          making.countDown();
          waiting.await();
          make(target);
        };
    try (RevisionCache cache = open(1);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      AtomicInteger interrupted = new AtomicInteger();
      Thread first =
          Thread.ofVirtual()
              .start(() -> {
                try {
                  cache.get("a1", slow).close();
                } catch (SourceUnavailableException e) {
                  assertThat(Thread.currentThread().isInterrupted()).isTrue();
                  interrupted.incrementAndGet();
                }
              });
      making.await();
      Future<PackageSet> second = threads.submit(() -> cache.get("a1", slow));
      first.interrupt();
      first.join();
      assertThat(interrupted).hasValue(1);
      waiting.countDown();
      second.get().close();
      assertThat(made).hasValue(1);
      // Nobody holds it any more, not even for the one that was interrupted, in a moment.
      cache.get("b2", this::make).close();
      for (int i = 0; i < 1000 && kept().contains("a1"); i++) {
        Thread.sleep(10);
        cache.prune();
      }
      assertThat(kept()).containsExactly("b2");
    }
  }

  @Test
  void closingStopsWhatIsBeingMade() throws Exception {
    CountDownLatch making = new CountDownLatch(1);
    RevisionCache.Maker endless =
        target -> {
          Files.writeString(target.resolve("half"), "half");
          making.countDown();
          Thread.sleep(Duration.ofHours(1));
        };
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        RevisionCache other = open(3)) {
      RevisionCache cache = open(3);
      Future<PackageSet> first = threads.submit(() -> cache.get("a1", endless));
      making.await();
      Future<PackageSet> second = threads.submit(() -> other.get("a1", this::make));
      cache.close();
      assertThatThrownBy(first::get).hasCauseInstanceOf(SourceUnavailableException.class);
      try (PackageSet set = second.get()) {
        assertThat(set.path()).isDirectoryContaining("glob:**/default.nix");
      }
    }
    assertThat(folder.resolve("scratch")).isEmptyDirectory();
  }

  @Test
  void aPackageSetOutlivesTheCache() throws IOException {
    RevisionCache first = open(1);
    PackageSet set = first.get("a1", this::make);
    first.close();
    try (RevisionCache second = open(1)) {
      second.get("b2", this::make).close();
      assertThat(set.path().resolve("default.nix")).exists();
      assertThat(kept()).containsExactly("a1", "b2");
      set.close();
      set.close();
      used("a1", Instant.EPOCH);
      second.prune();
      assertThat(kept()).containsExactly("b2");
    }
  }

  @Test
  void dropsTheOnesThatWereNotUsedForLongest() throws IOException {
    try (RevisionCache cache = open(3)) {
      for (String revision : List.of("a1", "b2", "c3")) {
        cache.get(revision, this::make).close();
        used(revision, Instant.now().minusSeconds(100 - made.get()));
      }
      cache.get("a1", this::make).close();
      cache.get("d4", this::make).close();
      assertThat(kept()).containsExactly("a1", "c3", "d4");
      assertThat(made).hasValue(4);
    }
  }

  @Test
  void dropsTheOnesThatAreTooOld() throws IOException {
    try (RevisionCache cache = open(9);
        PackageSet inUse = cache.get("a1", this::make)) {
      cache.get("b2", this::make).close();
      cache.get("c3", this::make).close();
      used("a1", Instant.now().minus(DAY.multipliedBy(3)));
      used("b2", Instant.now().minus(DAY.multipliedBy(2)));
      cache.prune();
      assertThat(kept()).containsExactly("a1", "c3");
      assertThat(inUse.path()).exists();
    }
    used("a1", Instant.now().minus(DAY.multipliedBy(3)));
    open(9).close();
    assertThat(kept()).containsExactly("c3");
  }

  private void used(String revision, Instant when) throws IOException {
    Files.setLastModifiedTime(
        folder.resolve("revisions").resolve(revision).resolve("complete"), FileTime.from(when));
  }

  @Test
  void whatWasDroppedIsDeletedInTheEnd() throws Exception {
    Path garbage = folder.resolve("garbage");
    // As if a process had ended while it was deleting.
    make(Files.createDirectories(garbage.resolve("left")));
    Path locked = Files.createDirectory(garbage.resolve("left/read-only"));
    Files.writeString(locked.resolve("file"), "");
    assertThat(locked.toFile().setWritable(false)).isTrue();
    try (RevisionCache cache = open(1)) {
      for (int i = 0; i < 10; i++) {
        cache.get("r" + i, this::make).close();
        used("r" + i, Instant.now().minusSeconds(100 - i));
      }
      assertThat(kept()).containsExactly("r9");
      while (!names(garbage).isEmpty()) {
        Thread.sleep(5);
      }
    }
    assertThat(garbage).isEmptyDirectory();
  }

  @ParameterizedTest
  @ValueSource(strings = {"default.nix", "pkgs/link"})
  void whatIsIncompleteIsMadeAgain(String file) throws IOException {
    try (RevisionCache cache = open(3)) {
      cache.get("a1", this::make).close();
    }
    Path damaged = folder.resolve("revisions/a1/source").resolve(file);
    Files.delete(damaged);
    try (RevisionCache cache = open(3);
        PackageSet set = cache.get("a1", this::make)) {
      assertThat(set.path().resolve(file)).exists();
    }
    Files.writeString(folder.resolve("revisions/a1/source/default.nix"), "");
    try (RevisionCache cache = open(3);
        PackageSet set = cache.get("a1", this::make)) {
      assertThat(set.path().resolve("default.nix")).hasContent("{ }");
    }
    assertThat(made).hasValue(3);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "..", "../a", "a/b", "-a", "a b", "\u00e9"})
  void refusesNamesThatAreNoFileNames(String revision) throws IOException {
    try (RevisionCache cache = open(3)) {
      assertThatThrownBy(() -> cache.get(revision, this::make))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThat(made).hasValue(0);
  }

  @Test
  void doesNotDropWhatAnotherProcessUses() throws Exception {
    Process other = start("use");
    try (BufferedReader output = other.inputReader(StandardCharsets.UTF_8);
        RevisionCache cache = open(1)) {
      assertThat(output.readLine()).isEqualTo("using");
      cache.get("b2", this::make).close();
      used("other", Instant.EPOCH);
      cache.prune();
      assertThat(kept()).containsExactly("b2", "other");
      try (PackageSet set = cache.get("other", this::make)) {
        assertThat(set.path().resolve("default.nix")).hasContent("made by the other");
      }
      used("other", Instant.EPOCH);
      cache.prune();
      assertThat(kept()).containsExactly("b2", "other");

      end(other);
      used("other", Instant.EPOCH);
      cache.prune();
      assertThat(kept()).containsExactly("b2");
    } finally {
      end(other);
    }
    assertThat(made).hasValue(1);
  }

  @Test
  void waitsForAnotherProcessThatMakesTheSame() throws Exception {
    Process other = start("make-slowly");
    try (BufferedReader output = other.inputReader(StandardCharsets.UTF_8);
        RevisionCache cache = open(1)) {
      assertThat(output.readLine()).isEqualTo("making");
      try (PackageSet set = cache.get("other", this::make)) {
        assertThat(set.path().resolve("default.nix")).hasContent("made by the other");
      }
    } finally {
      end(other);
    }
    assertThat(made).hasValue(0);
  }

  @Test
  void takesOverFromAProcessThatWasKilled() throws Exception {
    Process other = start("make-forever");
    try (BufferedReader output = other.inputReader(StandardCharsets.UTF_8);
        RevisionCache cache = open(1);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      assertThat(output.readLine()).isEqualTo("making");
      Future<PackageSet> answer = threads.submit(() -> cache.get("other", this::make));
      end(other);
      try (PackageSet set = answer.get()) {
        assertThat(set.path().resolve("default.nix")).hasContent("{ }");
      }
    } finally {
      end(other);
    }
    assertThat(made).hasValue(1);
    open(1).close();
    assertThat(folder.resolve("scratch")).isEmptyDirectory();
  }

  private static void end(Process process) throws InterruptedException {
    process.destroyForcibly();
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
  }

  private Process start(String task) throws Exception {
    List<String> classPath = new ArrayList<>();
    for (Class<?> type : List.of(RevisionCache.class, OtherProcess.class)) {
      classPath.add(
          Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI()).toString());
    }
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            String.join(":", classPath),
            OtherProcess.class.getName(),
            folder.toString(),
            task)
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  /** What the tests start to have a second process on the same folder; the tests kill it. */
  static final class OtherProcess {

    public static void main(String[] arguments) throws Exception {
      String task = arguments[1];
      try (RevisionCache cache = RevisionCache.open(Path.of(arguments[0]), 5, DAY);
          PackageSet set = cache.get("other", folder -> make(folder, task))) {
        System.out.println(set.path().endsWith("source") ? "using" : "lost");
        Thread.sleep(Duration.ofMinutes(2));
      }
    }

    private static void make(Path folder, String task) throws IOException, InterruptedException {
      Files.writeString(folder.resolve("default.nix"), "made by the other");
      if (!task.equals("use")) {
        System.out.println("making");
        Thread.sleep(task.equals("make-slowly") ? 300 : 120_000);
      }
    }
  }
}

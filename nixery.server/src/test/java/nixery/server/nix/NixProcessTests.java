package nixery.server.nix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 2, unit = TimeUnit.MINUTES)
class NixProcessTests {

  private static long forever() {
    return TimeUnit.HOURS.toNanos(1);
  }

  private final List<String> lines = new ArrayList<>();

  private static NixProcess shell(String script) {
    return new NixProcess(
        List.of("/bin/sh", "-c", script),
        Set.of("HOME"),
        Map.of("ADDED", "yes"),
        1 << 20,
        Duration.ofMillis(500));
  }

  private static LongSupplier deadline(Duration timeout) {
    long end = System.nanoTime() + timeout.toNanos();
    return () -> end - System.nanoTime();
  }

  @Test
  void givesOutputLinesAndStatus() throws Exception {
    NixProcess.Result result =
        shell("printf 'one\\n\\nthree\\nlast' >&2; echo out; exit 7")
            .run(lines::add, NixProcessTests::forever);

    assertThat(result).isEqualTo(new NixProcess.Result(NixProcess.End.EXIT, 7, "out\n"));
    assertThat(lines).containsExactly("one", "", "three", "last");
  }

  @Test
  void hasNoInputAndANeutralFolderAndEnvironment() throws Exception {
    NixProcess.Result result =
        shell("cat; pwd; echo \"$HOME$ADDED\"").run(lines::add, NixProcessTests::forever);

    assertThat(result.output()).isEqualTo("/\nyes\n");
  }

  @Test
  void drainsBothStreamsAtOnce() throws Exception {
    NixProcess.Result result =
        shell(
                "i=0; while [ $i -lt 2000 ]; do printf '%0400d' 1; printf '%0400d\\n' 2 >&2; i=$((i+1)); done")
            .run(lines::add, NixProcessTests::forever);

    assertThat(result.output()).hasSize(800_000);
    assertThat(lines).hasSize(2000);
  }

  @Test
  void cutsLines() throws Exception {
    shell("head -c 3000000 /dev/zero | tr '\\0' x >&2; echo >&2; echo next >&2")
        .run(lines::add, NixProcessTests::forever);

    assertThat(lines).containsExactly("x".repeat(NixProcess.MAX_LINE), "next");
  }

  @Test
  void endsWhatWritesTooMuch() throws Exception {
    NixProcess.Result result = shell("yes").run(lines::add, NixProcessTests::forever);

    assertThat(result.end()).isEqualTo(NixProcess.End.TOO_MUCH_OUTPUT);
    assertThat(Processes.started()).isEmpty();
  }

  @Test
  void endsWhatTakesTooLongWithItsChildren() throws Exception {
    NixProcess.Result result =
        shell("trap '' TERM; sh -c 'trap \"\" TERM; sleep 1000 & sleep 1001' & sleep 1002; wait")
            .run(lines::add, deadline(Duration.ofMillis(300)));

    assertThat(result.end()).isEqualTo(NixProcess.End.TIMEOUT);
    assertThat(Processes.started()).isEmpty();
  }

  @Test
  void letsItEndItsChildrenItself() throws Exception {
    NixProcess.Result result =
        new NixProcess(
                List.of("/bin/sh", "-c", "trap 'echo tidied; exit 0' TERM; sleep 1000 & wait"),
                Set.of(),
                Map.of(),
                1000,
                Duration.ofMinutes(1))
            .run(lines::add, deadline(Duration.ofMillis(300)));

    assertThat(result.output()).isEqualTo("tidied\n");
    assertThat(Processes.started()).isEmpty();
  }

  @Test
  void doesNotWaitForWhatItsChildrenLeaveBehind() throws Exception {
    long open = pipes();
    NixProcess.Result ended =
        shell("sleep 1000 & echo $!; echo log >&2").run(lines::add, NixProcessTests::forever);
    NixProcess.Result killed =
        shell("(sleep 1000 & echo $!); echo log >&2; sleep 1001")
            .run(lines::add, deadline(Duration.ofMillis(300)));
    List<ProcessHandle> left =
        Stream.of(ended, killed)
            .map(result -> ProcessHandle.of(Long.parseLong(result.output().strip())).orElseThrow())
            .toList();
    try {
      assertThat(ended.isSuccess()).isTrue();
      assertThat(killed.end()).isEqualTo(NixProcess.End.TIMEOUT);
      assertThat(lines).containsExactly("log", "log");
      while (pipes() > open) {
        Thread.sleep(10);
      }
      assertThat(left).as("they hold the pipes open").allMatch(ProcessHandle::isAlive);
    } finally {
      left.forEach(ProcessHandle::destroyForcibly);
    }
  }

  /** Returns how many ends of pipes this process has open. */
  private static long pipes() throws IOException {
    long count = 0;
    try (DirectoryStream<Path> open = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      for (Path file : open) {
        if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)
            && Files.readSymbolicLink(file).toString().startsWith("pipe:")) {
          count++;
        }
      }
    }
    return count;
  }

  @Test
  void knowsSignals() throws Exception {
    NixProcess.Result result = shell("kill -SEGV $$").run(lines::add, NixProcessTests::forever);

    assertThat(result.end()).isEqualTo(NixProcess.End.SIGNAL);
    assertThat(result.status()).isEqualTo(128 + 11);
  }

  @Test
  void endsWhenTheListenerThrows() {
    assertThatThrownBy(() ->
            shell("echo x >&2; sleep 1000")
                .run(
                    line -> {
                      throw new IllegalStateException(line);
                    },
                    NixProcessTests::forever))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("x");
    assertThat(Processes.started()).isEmpty();
  }

  @Test
  void endsWhenInterrupted() {
    Thread.currentThread().interrupt();

    assertThatThrownBy(() -> shell("sleep 1000").run(lines::add, NixProcessTests::forever))
        .isInstanceOf(InterruptedException.class);
    assertThat(Thread.interrupted()).isFalse();
    assertThat(Processes.started()).isEmpty();
  }

  @Test
  void saysThatThereIsNoSuchProgram() {
    assertThatThrownBy(() ->
            new NixProcess(List.of("/no/such/program"), Set.of(), Map.of(), 1, Duration.ZERO)
                .run(lines::add, NixProcessTests::forever))
        .isInstanceOf(IOException.class);
  }
}

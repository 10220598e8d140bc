package nixery.server.nix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import nixery.server.nix.Resolved.Found;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** What differs when Nix builds through its daemon: the exit status says nothing. */
@ParameterizedClass
@MethodSource("nixery.server.nix.TestNix#versions")
@Timeout(value = 5, unit = TimeUnit.MINUTES)
record NixDaemonTests(TestNix.Version version) {

  @TempDir private static Path folder;
  private static TestNix test;
  private static Process daemon;
  private static Nix nix;

  @BeforeParameterizedClassInvocation
  static void open(TestNix.Version version) throws IOException, InterruptedException {
    test = TestNix.of(version);
    Path socket = test.store.resolve("socket");
    daemon = test.startDaemon(socket);
    while (!Files.exists(socket) && daemon.isAlive()) {
      Thread.sleep(20);
    }
    nix =
        new Nix(
            test.config(
                Duration.ofMinutes(1),
                Duration.ofSeconds(2),
                Map.of("NIX_REMOTE", "daemon", "NIX_DAEMON_SOCKET_PATH", socket.toString())));
  }

  @AfterParameterizedClassInvocation
  static void close() throws Exception {
    nix.close();
    daemon.destroy();
    daemon.waitFor();
    test.close();
  }

  private static Collection<Found> found(String script) throws Exception {
    Path file =
        Files.writeString(
            folder.resolve("set.nix"),
            TestNix.PRELUDE + "{ x = sh \"x\" { } \"" + script + "\"; }");
    return List.of(
        (Found) nix.resolve(file, TestNix.SYSTEM, new TreeSet<>(List.of("x"))).packages().get("x"));
  }

  @Test
  void aFailedBuildIsOne() throws Exception {
    Collection<Found> packages = found("echo broken; exit 3");

    assertThatThrownBy(() -> nix.realise(packages, line -> {}))
        .isInstanceOf(Failure.class)
        .hasMessageContaining("exit code 3")
        .satisfies(e -> assertThat(e.getMessage()).containsOnlyOnce("> broken"))
        .extracting(e -> ((Failure) e).code())
        .isEqualTo(FailureCode.BUILD_FAILED);
  }

  @Test
  void aBuildThatDoesNotEndTimesOut() throws Exception {
    Collection<Found> packages = found("echo begun; sleep 1000");

    assertThatThrownBy(() -> nix.realise(packages, line -> {}))
        .isInstanceOf(Failure.class)
        .hasMessageContaining("x.drv took longer than 2 seconds")
        .extracting(e -> ((Failure) e).code())
        .isEqualTo(FailureCode.BUILD_TIMED_OUT);
  }
}

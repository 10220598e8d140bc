package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How a server starts and stops, as those see it who do that to it. */
final class StoppingTests {

  private static final Path FIXTURES = TestServer.DEMO.resolve("fixtures.nix");
  private static final int TERMINATED = 143;

  @TempDir Path folder;

  private TestServer start(String... variables) throws IOException {
    Map<String, String> all = new TreeMap<>(Map.of("NIXERY_PKGS_PATH", FIXTURES.toString()));
    for (int i = 0; i < variables.length; i += 2) {
      all.put(variables[i], variables[i + 1]);
    }
    return TestServer.start(folder, all);
  }

  /** A package set whose package takes its time. */
  private Path patience() throws IOException {
    return Files.writeString(
        folder.resolve("patience.nix"),
        """
        { system ? builtins.currentSystem, ... }:
        let demo = import %s { inherit system; };
        in {
          patience = derivation {
            name = "patience-%s";
            system = builtins.currentSystem;
            builder = "${demo.bash}/bin/bash";
            PATH = "${demo.coreutils}/bin";
            args = [ "-euc" "sleep 3; echo done > $out" ];
          };
        }
        """
            .formatted(TestServer.DEMO, Files.getLastModifiedTime(folder).toMillis()));
  }

  private static List<ProcessHandle> builders(TestServer server) throws InterruptedException {
    long deadline = System.nanoTime() + Duration.ofMinutes(1).toNanos();
    while (server.process().descendants().noneMatch(StoppingTests::isBuilder)) {
      assertThat(System.nanoTime()).as("nothing is built").isLessThan(deadline);
      Thread.sleep(10);
    }
    return server.process().descendants().toList();
  }

  private static boolean isBuilder(ProcessHandle process) {
    String command = process.info().command().orElse("");
    return command.endsWith("/sleep") || command.endsWith("/busybox");
  }

  private static int exitStatus(TestServer server) throws InterruptedException {
    assertThat(server.process().onExit().orTimeout(2, TimeUnit.MINUTES).join().isAlive()).isFalse();
    return server.exitStatus();
  }

  private void assertNothingIsLeft() throws IOException {
    assertThat(files("storage/spool")).isEmpty();
    assertThat(files("storage/records/leases")).isEmpty();
    assertThat(files("cache/roots")).isEmpty();
    assertThat(files("cache/spool")).isEmpty();
  }

  private List<Path> files(String path) throws IOException {
    Path tree = folder.resolve(path);
    if (!Files.exists(tree)) {
      return List.of();
    }
    try (Stream<Path> walk = Files.walk(tree)) {
      return walk.filter(file -> !Files.isDirectory(file)).toList();
    }
  }

  @Test
  void buildsMayFinish() throws Exception {
    TestServer server = start("NIXERY_PKGS_PATH", patience().toString(), "NIXERY_GRACE", "60");
    CompletableFuture<HttpResponse<byte[]>> waiting =
        server.getAsync("/v2/patience/manifests/latest");
    builders(server);
    assertThat(server.process().destroy()).isTrue();
    assertThat(waiting.join().statusCode()).isEqualTo(200);
    assertThat(exitStatus(server)).isEqualTo(TERMINATED);
    assertNothingIsLeft();
  }

  @Test
  void buildsThatDoNotFinishAreHandedBack() throws Exception {
    TestServer server = start("NIXERY_GRACE", "1");
    CompletableFuture<HttpResponse<byte[]>> waiting = server.getAsync("/v2/slow/manifests/latest");
    List<ProcessHandle> builders = builders(server);
    assertThat(server.process().destroy()).isTrue();
    assertThat(waiting.join().statusCode()).isEqualTo(503);
    assertThat(waiting.join().headers().firstValue("Retry-After")).isPresent();
    assertThat(exitStatus(server)).isEqualTo(TERMINATED);
    assertThat(builders).noneMatch(ProcessHandle::isAlive);
    assertNothingIsLeft();
  }

  @Test
  void aSecondSignalEndsItAtOnce() throws Exception {
    TestServer server = start("NIXERY_GRACE", "3600");
    var _ = server.getAsync("/v2/slow/manifests/latest");
    List<ProcessHandle> builders = builders(server);
    Shell.run("kill", "-INT", Long.toString(server.process().pid()));
    awaitLog(server, "stopping: ");
    assertThat(server.process().isAlive()).isTrue();
    assertThat(server.process().destroy()).isTrue();
    assertThat(exitStatus(server)).isEqualTo(TERMINATED);
    for (ProcessHandle builder : builders) {
      builder.onExit().orTimeout(1, TimeUnit.MINUTES).join();
    }
  }

  @Test
  void whileItDrainsItIsNotReadyButServes() throws Exception {
    TestServer server = start("NIXERY_DRAIN", "3");
    server.pull("hello");
    assertThat(server.get("/health/ready").statusCode()).isEqualTo(200);
    assertThat(server.process().destroy()).isTrue();
    awaitLog(server, "stopping: listens for 3 s more");
    HttpResponse<byte[]> ready = server.get("/health/ready");
    assertThat(ready.statusCode()).isEqualTo(503);
    assertThat(Pull.text(ready.body())).isEqualTo("{\"status\":\"stopping\"}");
    assertThat(server.get("/health/live").statusCode()).isEqualTo(200);
    server.pull("hello");
    assertThat(exitStatus(server)).isEqualTo(TERMINATED);
    assertNothingIsLeft();
    try (ServerSocket free = new ServerSocket(server.port())) {
      assertThat(free.isBound()).isTrue();
    }
  }

  @Test
  void theLogSaysHowLongTheStartTook() throws Exception {
    try (TestServer server = start()) {
      assertThat(server.get("/v2/").statusCode()).isEqualTo(200);
      awaitLog(server, "first request answered ");
      assertThat(server.log())
          .filteredOn(line -> line.matches(".* INFO nixery.server.Nixery listens \\d+ ms after .*"))
          .hasSize(1);
      assertThat(server.get("/v2/").statusCode()).isEqualTo(200);
      assertThat(server.log())
          .filteredOn(
              line -> line.matches(".* INFO .* first request answered \\d+ ms after the start.*"))
          .hasSize(1);
    }
  }

  private static void awaitLog(TestServer server, String text) throws Exception {
    long deadline = System.nanoTime() + Duration.ofMinutes(1).toNanos();
    while (server.log().stream().noneMatch(line -> line.contains(text))) {
      assertThat(System.nanoTime()).as("%s", server.log()).isLessThan(deadline);
      Thread.sleep(10);
    }
  }
}

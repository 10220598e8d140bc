package nixery.popcount;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import nixery.image.Popularity;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The command as a process of its own, which is killed, with little memory. */
@Timeout(300)
class PopcountProcessTests {

  private static final int SIZE = 20_000;
  private static final int PARALLEL = 32;

  private static final ChannelServer SERVER = new ChannelServer();

  @TempDir Path folder;

  @BeforeAll
  static void publish() {
    SERVER.publish("test", Packages.channel(SIZE, 0));
  }

  @AfterAll
  static void stop() {
    SERVER.close();
  }

  private ProcessBuilder command(String... arguments) {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx48m",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
    command.addAll(Arrays.asList(arguments));
    return new ProcessBuilder(command).redirectErrorStream(true);
  }

  private Process start(String name) throws IOException {
    return command(
            "--channel=test",
            "--channel-url=" + SERVER.channels(),
            "--cache-url=" + SERVER.cache(),
            "--cache=" + folder.resolve(name),
            "--parallel=" + PARALLEL,
            "--output=" + output(name))
        .redirectOutput(log(name).toFile())
        .start();
  }

  private Path output(String name) {
    return folder.resolve(name + ".json");
  }

  private Path log(String name) {
    return folder.resolve(name + ".txt");
  }

  private int waitFor(Process process) throws InterruptedException {
    try {
      assertThat(process.waitFor(200, TimeUnit.SECONDS)).as("it ends").isTrue();
      return process.exitValue();
    } finally {
      process.destroyForcibly();
    }
  }

  private static void awaitRequests(int count, Process process) throws InterruptedException {
    while (SERVER.narInfoRequestCount() < count) {
      assertThat(process.isAlive()).as("the process runs").isTrue();
      Thread.sleep(5);
    }
  }

  private int keptIn(String name) throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve(name))) {
      Path file = files.filter(path -> path.toString().endsWith(".log")).findFirst().orElseThrow();
      return (int) Files.readString(file).chars().filter(c -> c == '\n').count() - 1;
    }
  }

  @Test
  void goesOnAfterAKillAndGetsTheSame() throws Exception {
    SERVER.narInfoRequests();
    Process killed = start("resumed");
    awaitRequests(SIZE * 2 / 5, killed);
    int requested = SERVER.narInfoRequestCount();
    killed.destroyForcibly().waitFor();
    int kept = keptIn("resumed");
    assertThat(output("resumed")).doesNotExist();
    assertThat(kept).isBetween(requested - PARALLEL, SIZE - 1);
    awaitSilence();
    SERVER.narInfoRequests();

    Process resumed = start("resumed");
    assertThat(waitFor(resumed)).as(() -> text(log("resumed"))).isZero();
    assertThat(SERVER.narInfoRequests()).as("only what was missing").hasSize(SIZE - kept);
    assertThat(output("resumed")).hasBinaryContent(whole());
  }

  /** Returns what a run gets that nothing interrupts. */
  private static byte[] whole() throws IOException {
    Counter counter = new Counter();
    for (NarInfo info : Packages.channel(SIZE, 0)) {
      counter.add(info.path(), info.narSize(), info.references());
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    counter.result(Optional.of("test"), Optional.of(ChannelServer.REVISION)).write(out);
    return out.toByteArray();
  }

  /** What a killed client asked for may reach the server after its end. */
  private static void awaitSilence() throws InterruptedException {
    int before = -1;
    while (before != SERVER.narInfoRequestCount()) {
      before = SERVER.narInfoRequestCount();
      Thread.sleep(200);
    }
  }

  @Test
  void aSignalEndsItCleanly() throws Exception {
    SERVER.narInfoRequests();
    Process process = start("stopped");
    awaitRequests(1000, process);
    process.destroy();

    assertThat(waitFor(process)).as(() -> text(log("stopped"))).isEqualTo(128 + 15);
    assertThat(text(log("stopped"))).endsWith("popcount: stopped; what was fetched is kept.\n");
    assertThat(output("stopped")).doesNotExist();
    assertThat(keptIn("stopped")).isPositive();
    try (Stream<Path> files = Files.list(folder.resolve("stopped"))) {
      assertThat(files.map(file -> file.getFileName().toString().replaceAll(".*\\.", "")))
          .containsExactlyInAnyOrder("log", "lock");
    }
  }

  @Test
  void statusesAndSentences() throws Exception {
    Process process =
        command(
                "--channel",
                "no-such-channel",
                "--channel-url",
                SERVER.channels(),
                "--cache=" + folder.resolve("cache"))
            .redirectOutput(log("none").toFile())
            .start();
    assertThat(waitFor(process)).isEqualTo(1);
    assertThat(text(log("none")))
        .isEqualTo(
            "popcount: There is no channel 'no-such-channel' at " + SERVER.channels() + ".\n");
  }

  /** Needs nix-store, with a store of its own in which nothing but the database is filled. */
  @Test
  void countsALocalStore() throws Exception {
    List<NarInfo> infos = Packages.channel(50, 0);
    StringBuilder dump = new StringBuilder();
    for (NarInfo info : infos) {
      dump.append(info.path() + "\n" + "0".repeat(64) + "\n" + info.narSize() + "\n\n");
      dump.append(info.references().size() + "\n");
      info.references().forEach(reference -> dump.append(reference).append('\n'));
    }
    Path file = Files.writeString(folder.resolve("dump"), dump);
    Process load =
        nix(new ProcessBuilder("nix-store", "--load-db"))
            .redirectInput(file.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log("load").toFile())
            .start();
    assertThat(waitFor(load)).as(() -> text(log("load"))).isZero();

    Process process =
        nix(command("--store", "--output=" + output("store")))
            .redirectOutput(log("store").toFile())
            .start();

    assertThat(waitFor(process)).as(() -> text(log("store"))).isZero();
    assertThat(text(log("store"))).contains("25 packages in 50 paths of the local store");
    Popularity popularity = Popularity.read(Files.newInputStream(output("store")));
    assertThat(popularity.packages()).hasSize(25);
    assertThat(popularity.channel()).isEmpty();
    assertThat(popularity.of("packageq")).isGreaterThan(10);
  }

  private ProcessBuilder nix(ProcessBuilder builder) {
    builder.environment().put("NIX_REMOTE", folder.resolve("nix").toString());
    builder.environment().put("NIX_CONFIG", "build-users-group =\nsubstituters =\n");
    return builder;
  }

  @Test
  void saysThatNixIsNotThere() throws Exception {
    ProcessBuilder builder = command("--store").redirectOutput(log("store").toFile());
    builder.environment().put("PATH", folder.toString());

    assertThat(waitFor(builder.start())).isEqualTo(1);
    assertThat(text(log("store"))).startsWith("popcount: nix-store cannot be run").hasLineCount(1);
  }

  @ParameterizedTest
  @CsvSource({
    "'yes nonsense | head -n 100000', cannot be understood",
    "'echo /nix/store/; echo broken >&2; exit 3', status 3: broken"
  })
  void tellsWhatIsWrongWithTheStore(String script, String failure) throws Exception {
    Path nix =
        Files.writeString(folder.resolve("nix-store"), "#!/bin/sh\nset -e\n" + script + "\n");
    assertThat(nix.toFile().setExecutable(true)).isTrue();
    ProcessBuilder builder = command("--store").redirectOutput(log("store").toFile());
    builder.environment().put("PATH", folder + ":" + System.getenv("PATH"));

    assertThat(waitFor(builder.start())).isEqualTo(1);
    assertThat(text(log("store"))).contains(failure).hasLineCount(1);
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}

package nixery.runtime;

import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a runtime learned when it was linked: used where it fits, and otherwise not missed. */
final class AotCacheTests {

  private static final String VERSION = "nixery 0.1.0-SNAPSHOT\n";

  @TempDir static Path folder;

  /** A copy of the runtime, whose cache the tests change. */
  private static Path runtime;

  @BeforeAll
  static void moveTheRuntime() {
    runtime = folder.resolve("moved");
    Shell.run("cp", "-a", TestServer.RUNTIME.toString(), runtime.toString());
  }

  @BeforeEach
  void restoreTheCache() {
    Shell.run("cp", "-f", cache(TestServer.RUNTIME).toString(), cache(runtime).toString());
  }

  @Test
  void theRuntimeTakesItsClassesFromTheCache() throws IOException {
    assertThat(sourceOfMain(TestServer.RUNTIME)).isEqualTo("shared objects file");
  }

  /** As in an image, where all files are from 1970. */
  @Test
  void theCacheFitsWhereverTheRuntimeIsMoved() throws IOException {
    Shell.run("find", runtime.toString(), "-exec", "touch", "-h", "-d", "@1", "{}", "+");
    assertThat(sourceOfMain(runtime)).isEqualTo("shared objects file");
  }

  @Test
  void whatIsNoCacheIsPassedOver() throws IOException {
    Files.writeString(cache(runtime), "no cache");
    assertThat(version(runtime, Map.of())).isEqualTo(VERSION);
    assertThat(sourceOfMain(runtime)).isEqualTo("jrt:/nixery.server");
  }

  @Test
  void aTruncatedCacheIsPassedOver() throws IOException {
    try (FileChannel file = FileChannel.open(cache(runtime), WRITE)) {
      file.truncate(file.size() / 2);
    }
    assertThat(version(runtime, Map.of())).isEqualTo(VERSION);
  }

  @Test
  void theCacheOfAnotherJvmIsPassedOver() throws IOException {
    try (FileChannel file = FileChannel.open(cache(runtime), WRITE)) {
      file.write(ByteBuffer.allocate(1 << 10), 0);
    }
    assertThat(version(runtime, Map.of())).isEqualTo(VERSION);
  }

  @Test
  void aRuntimeWithoutACacheStarts() throws IOException {
    Files.delete(cache(runtime));
    assertThat(version(runtime, Map.of())).isEqualTo(VERSION);
  }

  @Test
  void otherOptionsOfTheJvmAreHeeded() throws IOException {
    for (String options :
        Stream.of("-XX:+UseG1GC", "-XX:+UseZGC", "-XX:-UseCompactObjectHeaders", "-Xmx64m")
            .toList()) {
      assertThat(version(TestServer.RUNTIME, Map.of("JDK_JAVA_OPTIONS", options)))
          .isEqualTo("NOTE: Picked up JDK_JAVA_OPTIONS: " + options + "\n" + VERSION);
    }
  }

  /** Nix may be missing where a runtime is linked, and who links it has no settings for it yet. */
  @Test
  void makingTheCacheNeedsNeitherNixNorSettings() throws IOException {
    Files.delete(cache(runtime));
    ProcessBuilder command =
        new ProcessBuilder(runtime.resolve("bin/nixery").toString(), "--make-cache");
    Path commands = Files.createDirectory(folder.resolve("commands"));
    for (String name : new String[] {"sh", "dirname", "readlink", "mktemp", "rm", "mv", "ln"}) {
      Files.copy(
          Path.of(Shell.run("sh", "-c", "command -v " + name).strip()), commands.resolve(name));
    }
    command.environment().clear();
    command.environment().put("PATH", commands.toString());
    Shell.Result made = Shell.attempt(command);
    assertThat(made.output()).isEmpty();
    assertThat(made.status()).isZero();
    assertThat(sourceOfMain(runtime)).isEqualTo("shared objects file");
  }

  @Test
  void aCacheThatCannotBeMadeIsAnError() throws IOException {
    Files.delete(cache(runtime));
    Path java = runtime.resolve("bin/java");
    Path elsewhere = Files.move(java, runtime.resolve("bin/elsewhere"));
    Shell.Result made =
        Shell.attempt(new ProcessBuilder(runtime.resolve("bin/nixery").toString(), "--make-cache"));
    Files.move(elsewhere, java);
    assertThat(made.status()).isEqualTo(1);
    assertThat(made.output()).contains("could not make " + cache(runtime));
  }

  private static Path cache(Path runtime) {
    return runtime.resolve("lib/nixery.aot");
  }

  private static String version(Path runtime, Map<String, String> variables) {
    ProcessBuilder command =
        new ProcessBuilder(runtime.resolve("bin/nixery").toString(), "--version");
    command.environment().putAll(variables);
    Shell.Result result = Shell.attempt(command);
    assertThat(result.status()).as(result.output()).isZero();
    return result.output();
  }

  /** Returns from where the JVM says it has loaded the main class. */
  private String sourceOfMain(Path runtime) throws IOException {
    Path log = folder.resolve("classes.log");
    version(runtime, Map.of("JDK_JAVA_OPTIONS", "-Xlog:class+load:file=" + log));
    return Files.readAllLines(log).stream()
        .filter(line -> line.contains(" nixery.server.Main source: "))
        .map(line -> line.replaceAll(".* source: ", ""))
        .findFirst()
        .orElseThrow();
  }
}

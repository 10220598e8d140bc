package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs programs. */
final class Shell {

  /**
   * How a program ended.
   *
   * @param output what it printed on both outputs
   */
  record Result(int status, String output) {}

  private Shell() {}

  /** Runs a program that must succeed, and returns what it printed. */
  static String run(String... command) {
    Result result = attempt(List.of(command));
    assertThat(result.status()).as("%s: %s", List.of(command), result.output()).isZero();
    return result.output();
  }

  /** Runs a program that may fail. */
  static Result attempt(List<String> command) {
    return attempt(new ProcessBuilder(command));
  }

  static Result attempt(ProcessBuilder builder) {
    try {
      Path output = Files.createTempFile("output", ".txt");
      try {
        Process process = builder.redirectErrorStream(true).redirectOutput(output.toFile()).start();
        if (!process.waitFor(5, TimeUnit.MINUTES)) {
          process.destroyForcibly();
          throw new AssertionError(builder.command() + " hangs: " + Files.readString(output));
        }
        return new Result(
            process.exitValue(), new String(Files.readAllBytes(output), StandardCharsets.UTF_8));
      } finally {
        Files.delete(output);
      }
    } catch (IOException e) {
      throw new AssertionError("cannot run " + builder.command() + ": is it installed?", e);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}

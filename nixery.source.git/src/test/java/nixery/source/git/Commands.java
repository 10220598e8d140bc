package nixery.source.git;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Runs the programs that the tests need. One that is missing fails the test. */
final class Commands {

  private static final int MINUTES = 5;

  private Commands() {}

  /** Returns a builder whose environment holds nothing of the user's git. */
  static ProcessBuilder builder(Path folder, List<String> command) {
    ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
    Map<String, String> environment = builder.environment();
    environment.keySet().removeIf(name -> name.startsWith("GIT_") || name.startsWith("SSH_"));
    environment.put("HOME", "/nonexistent");
    environment.put("LC_ALL", "C.UTF-8");
    environment.put("GIT_CONFIG_NOSYSTEM", "1");
    environment.put("GIT_AUTHOR_NAME", "Ada");
    environment.put("GIT_AUTHOR_EMAIL", "ada@example.org");
    environment.put("GIT_COMMITTER_NAME", "Ada");
    environment.put("GIT_COMMITTER_EMAIL", "ada@example.org");
    return builder;
  }

  /** Runs a command that must succeed, and returns what it prints without the last line end. */
  static String run(Path folder, String... command) {
    return run(folder, new byte[0], command);
  }

  /** Runs a command with a standard input. */
  static String run(Path folder, byte[] input, String... command) {
    try {
      Path in = Files.createTempFile("in", "");
      Path out = Files.createTempFile("out", "");
      try {
        Files.write(in, input);
        Process process =
            builder(folder, List.of(command))
                .redirectInput(in.toFile())
                .redirectOutput(out.toFile())
                .redirectErrorStream(true)
                .start();
        boolean ended = process.waitFor(MINUTES, TimeUnit.MINUTES);
        process.destroyForcibly();
        String printed = Files.readString(out, StandardCharsets.UTF_8);
        if (!ended || process.exitValue() != 0) {
          throw new AssertionError(String.join(" ", command) + " failed: " + printed);
        }
        return printed.stripTrailing();
      } finally {
        Files.delete(in);
        Files.delete(out);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(command[0] + " must be installed for this test", e);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}

package nixery.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** Runs programs. */
final class Shell {

  private Shell() {}

  /** Runs a program and returns what it prints; fails if it fails. */
  static String run(String... command) {
    return run(Map.of(), false, List.of(command));
  }

  /** Like {@link #run}, with what it says on standard error. */
  static String runAll(String... command) {
    return run(Map.of(), true, List.of(command));
  }

  static String run(Map<String, String> variables, boolean all, List<String> command) {
    try {
      ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(all);
      if (!all) {
        builder.redirectError(ProcessBuilder.Redirect.INHERIT);
      }
      builder.environment().putAll(variables);
      Process process = builder.start();
      process.getOutputStream().close();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      int status = process.waitFor();
      if (status != 0) {
        throw new IllegalStateException("%s ended with %d: %s".formatted(command, status, output));
      }
      return output.strip();
    } catch (IOException e) {
      throw new IllegalStateException("cannot run " + command, e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (var all = Files.walk(folder)) {
      for (Path file : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}

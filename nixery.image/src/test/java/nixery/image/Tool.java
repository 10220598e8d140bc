package nixery.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Runs the system's tools, which are what layers are for. One that is missing is a failure. */
final class Tool {

  private Tool() {}

  static String run(Path directory, String... command) throws IOException, InterruptedException {
    return run(directory, Map.of("LC_ALL", "C"), command);
  }

  static String run(Path directory, Map<String, String> environment, String... command)
      throws IOException, InterruptedException {
    Path out = Files.createTempFile("out", ".txt");
    Path err = Files.createTempFile("err", ".txt");
    try {
      ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile());
      builder.environment().putAll(environment);
      int status =
          builder.redirectOutput(out.toFile()).redirectError(err.toFile()).start().waitFor();
      String message = new String(Files.readAllBytes(err), StandardCharsets.ISO_8859_1);
      assertThat(status).as("%s: %s", List.of(command), message).isZero();
      return new String(Files.readAllBytes(out), StandardCharsets.ISO_8859_1);
    } finally {
      Files.delete(out);
      Files.delete(err);
    }
  }
}

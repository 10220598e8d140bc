package nixery.image.nix;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What Nix makes of it is in the tests of the runtime. */
final class NixBuilderTests {

  @TempDir Path folder;
  private Path attributes;
  private Path archive;
  private Path errors;

  @BeforeEach
  void writeAttributes() throws IOException {
    archive = folder.resolve("image.tar");
    errors = folder.resolve("errors.txt");
    attributes =
        Files.writeString(
            folder.resolve("plan.json"),
            """
            {
              "image": {
                "name": "empty",
                "tag": "latest",
                "contents": [],
                "mentioned": [],
                "config": {},
                "created": "1970-01-01T00:00:01Z",
                "architecture": "amd64",
                "maxLayers": 2,
                "compression": "gzip"
              },
              "graph": []
            }
            """);
  }

  private int stream(Path temporary) throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                NixBuilder.class.getName(),
                "stream",
                attributes.toString())
            .redirectOutput(archive.toFile())
            .redirectError(errors.toFile());
    builder.environment().put("TMPDIR", temporary.toString());
    Process process = builder.start();
    try {
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("it ends").isTrue();
      return process.exitValue();
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  void streamsByWayOfTheTemporaryFolder() throws Exception {
    Path temporary = folder.resolve("temporary");

    assertThat(stream(temporary)).isEqualTo(1);
    assertThat(errors).content().startsWith("nixery: ").contains("TMPDIR", temporary.toString());

    Files.createDirectory(temporary);
    assertThat(stream(temporary)).isZero();
    assertThat(archive).isNotEmptyFile();
    assertThat(temporary).isEmptyDirectory();
  }
}

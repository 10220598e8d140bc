package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Servers that compress with different libraries. */
final class CompressionTests {

  @TempDir Path folder;

  /** Starts a server for which the dynamic linker finds a file that is no library. */
  private TestServer withoutLibdeflate(Path storage) throws IOException {
    Path libraries = Files.createDirectories(folder.resolve("libraries"));
    Files.writeString(libraries.resolve("libdeflate.so.0"), "not a library");
    TestServer server =
        TestServer.start(
            folder.resolve("server"),
            Map.of("LD_LIBRARY_PATH", libraries.toString(), "STORAGE_PATH", storage.toString()));
    assertThat(server.log()).anyMatch(line -> line.contains(", gzip level 5 by java.util.zip ("));
    return server;
  }

  @Test
  void serversOnOneStorageShareWhatTheyPack() throws IOException {
    Path storage = folder.resolve("storage");
    String packed;
    try (TestServer server =
        TestServer.start(folder.resolve("server"), Map.of("STORAGE_PATH", storage.toString()))) {
      packed = server.pull("hello");
      assertThat(server.log())
          .anyMatch(line -> line.contains(", gzip level 5 by libdeflate.so.0 ("))
          .noneMatch(line -> line.contains("WARNING"));
    }
    try (TestServer server = withoutLibdeflate(storage)) {
      assertThat(server.pull("hello")).isEqualTo(packed);
      // Some layers of jq are there; the others are packed with the other library.
      server.pull("jq");
      assertThat(server.pull("hello")).isEqualTo(packed);
    }
    try (TestServer server = withoutLibdeflate(folder.resolve("other storage"))) {
      assertThat(server.pull("hello")).isNotEqualTo(packed);
    }
  }
}

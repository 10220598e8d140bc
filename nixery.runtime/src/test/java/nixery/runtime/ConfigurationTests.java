package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is wrong with the configuration is said in one sentence, with status 2. */
final class ConfigurationTests {

  @TempDir Path folder;

  private String complaint(Map<String, String> variables) throws IOException {
    Shell.Result result = Shell.attempt(TestServer.command(TestServer.RUNTIME, folder, variables));
    assertThat(result.status()).as(result.output()).isEqualTo(2);
    assertThat(result.output()).startsWith("nixery: ").endsWith(".\n");
    assertThat(result.output().lines()).hasSize(1);
    return result.output();
  }

  @Test
  void noSource() throws IOException {
    assertThat(complaint(Map.of("NIXERY_PKGS_PATH", ""))).contains("NIXERY_PKGS_PATH");
  }

  @Test
  void unknownStorage() throws IOException {
    assertThat(complaint(Map.of("NIXERY_STORAGE_BACKEND", "s3")))
        .contains("'s3'")
        .contains("filesystem");
  }

  @Test
  void missingStoragePath() throws IOException {
    assertThat(complaint(Map.of("STORAGE_PATH", ""))).contains("STORAGE_PATH");
  }

  @Test
  void storagePathThatIsAFile() throws IOException {
    Path file = Files.createFile(folder.resolve("file"));
    assertThat(complaint(Map.of("STORAGE_PATH", file.toString()))).contains(file.toString());
  }

  @Test
  void packageSetThatIsNotThere() throws IOException {
    String path = folder.resolve("nowhere").toString();
    assertThat(complaint(Map.of("NIXERY_PKGS_PATH", path))).contains(path);
  }

  @Test
  void malformedNumbers() throws IOException {
    Map<String, String> wrong = new TreeMap<>(Map.of("PORT", "http", "NIX_TIMEOUT", "-1"));
    wrong.put("NIXERY_MAX_BUILDS", "many");
    for (String name : wrong.keySet()) {
      assertThat(complaint(Map.of(name, wrong.get(name)))).contains(name).contains(wrong.get(name));
    }
  }

  @Test
  void compressionThatCannotBeHad() throws IOException {
    assertThat(complaint(Map.of("NIXERY_COMPRESSION", "xz"))).contains("'xz'").contains("zstd");
    assertThat(complaint(Map.of("NIXERY_COMPRESSION_LEVEL", "10")))
        .contains("NIXERY_COMPRESSION_LEVEL is 10, but the highest level of gzip is 9.");
    String library = folder.resolve("nowhere").toString();
    for (String compression : List.of("gzip", "zstd")) {
      assertThat(
              complaint(
                  Map.of("NIXERY_COMPRESSION", compression, "NIXERY_COMPRESSION_LIBRARY", library)))
          .contains("NIXERY_COMPRESSION_LIBRARY")
          .contains(library);
    }
  }

  @Test
  void malformedPlatforms() throws IOException {
    for (String wrong :
        List.of(
            "amd64", "linux/amd64,linux/amd64", "linux/amd64,", "linux/mips", "windows/amd64")) {
      assertThat(complaint(Map.of("NIXERY_PLATFORMS", wrong)))
          .contains("NIXERY_PLATFORMS must be different ones of linux/amd64 and linux/arm64")
          .contains("'" + wrong + "'");
    }
  }

  @Test
  void portThatIsTaken() throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String port = Integer.toString(taken.getLocalPort());
      assertThat(complaint(Map.of("PORT", port))).contains(port);
    }
  }

  @Test
  void nixThatIsNotInstalled() throws IOException {
    assertThat(complaint(Map.of("NIXERY_NIX_BIN", folder.toString()))).contains("Nix");
  }

  @Test
  void pluginFolderWithABrokenJar() throws IOException {
    Path plugins = Files.createDirectory(folder.resolve("plugins"));
    Files.writeString(plugins.resolve("broken.jar"), "this is no jar");
    assertThat(complaint(Map.of("NIXERY_PLUGINS", plugins.toString()))).contains("broken.jar");
  }

  @Test
  void unknownArgument() throws IOException {
    ProcessBuilder command = TestServer.command(TestServer.RUNTIME, folder, Map.of());
    command.command().add("--no-such-thing");
    Shell.Result result = Shell.attempt(command);
    assertThat(result.status()).isEqualTo(2);
    assertThat(result.output()).contains("--no-such-thing").contains("--help");
  }
}

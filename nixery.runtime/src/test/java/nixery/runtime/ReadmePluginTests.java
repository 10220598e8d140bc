package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The plugin in the README, just as it stands there. */
final class ReadmePluginTests {

  @TempDir Path folder;

  @Test
  void thePackageSourceInTheReadmeServesATagFromEachFolder() throws IOException {
    Path plugins = Files.createDirectories(folder.resolve("plugins"));
    String[] sources = new Document("README.md").blocks("java").toArray(String[]::new);
    assertThat(sources).hasSize(2);
    Files.copy(
        PluginJar.of(folder.resolve("example.jar"), PluginJar.MODULES, sources),
        plugins.resolve("example.jar"));
    Path sets = folder.resolve("sets");
    Path set = Files.createDirectories(sets.resolve("v1")).resolve("default.nix");
    Files.writeString(set, "args: import %s args".formatted(TestServer.DEMO.toRealPath()));

    try (TestServer server =
        TestServer.start(
            folder.resolve("server"),
            Map.of(
                "NIXERY_PLUGINS", plugins.toString(),
                "NIXERY_PKGS_PATH", "",
                "NIXERY_PKGS_FOLDER", sets.toString()))) {
      Pull.image(server, "hello", "v1", TestServer.OCI_MANIFEST);

      HttpResponse<byte[]> unknown = server.get("/v2/hello/manifests/v2");
      assertThat(unknown.statusCode()).isEqualTo(404);
      assertThat(Pull.text(unknown.body())).contains("MANIFEST_UNKNOWN").contains("no tag v2");
    }
  }
}

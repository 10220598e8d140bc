package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command {@code nixery watch}. */
final class WatchTests {

  private static final Map<String, String> FIXTURES =
      Map.of("NIXERY_PKGS_PATH", TestServer.DEMO.resolve("fixtures.nix").toString());

  @TempDir Path folder;

  private static Shell.Result watch(String image, int port) {
    return Shell.attempt(
        List.of(
            TestServer.RUNTIME.resolve("bin/nixery").toString(),
            "watch",
            image,
            "--server",
            "http://127.0.0.1:" + port));
  }

  @Test
  void aBuildIsShownUntilTheImageIsThere() throws IOException {
    try (TestServer server = TestServer.start(folder, FIXTURES)) {
      Shell.Result first = watch("jq:latest", server.port());
      assertThat(first.status()).as(first.output()).isZero();
      assertThat(first.output()).contains("Pack layers: ");
      String digest = first.output().lines().toList().getLast();
      assertThat(server.get("/v2/jq/manifests/" + digest).statusCode()).isEqualTo(200);
      Shell.Result again = watch("jq", server.port());
      assertThat(again.status()).isZero();
      assertThat(again.output()).endsWith(digest + "\n");
    }
  }

  @Test
  void aFailureIsShownWithItsLog() throws IOException {
    try (TestServer server = TestServer.start(folder, FIXTURES)) {
      Shell.Result failed = watch("failing", server.port());
      assertThat(failed.status()).isEqualTo(1);
      assertThat(failed.output())
          .contains("about to fail\nthe reason is 42\n", "nixery: builder for ");
      assertThat(watch("nosuchpackage", server.port()).output())
          .contains("no package 'nosuchpackage'");
      assertThat(watch("Not-A-Name", server.port()).status()).isEqualTo(1);
    }
    assertThat(watch("jq", 1).status()).isEqualTo(2);
  }

  @Test
  void aServerThatShowsNoBuildsIsAskedAllTheSame() throws IOException {
    Map<String, String> variables = Map.of("NIXERY_PAGES", "false");
    try (TestServer server = TestServer.start(folder, variables)) {
      assertThat(server.get("/").statusCode()).isEqualTo(404);
      assertThat(server.get("/builds").statusCode()).isEqualTo(404);
      Shell.Result ready = watch("hello", server.port());
      assertThat(ready.status()).as(ready.output()).isZero();
      assertThat(ready.output()).contains("sha256:");
      Shell.Result failed = watch("nosuchpackage", server.port());
      assertThat(failed.status()).isEqualTo(1);
      assertThat(failed.output()).contains("no package 'nosuchpackage'");
    }
  }
}

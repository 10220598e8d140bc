package nixery.server.watch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.util.List;
import nixery.api.ConfigurationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class WatchOptionsTests {

  @Test
  void nameTagAndServer() {
    assertThat(WatchOptions.parse(List.of("shell/git")))
        .isEqualTo(new WatchOptions("shell/git", "latest", URI.create("http://localhost:8080")));
    assertThat(WatchOptions.parse(List.of("--server", "https://nixery.example/x/", "git:v1")))
        .isEqualTo(new WatchOptions("git", "v1", URI.create("https://nixery.example/x")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "git jq",
        "--tag git",
        "git --server",
        "git --server ftp://x",
        "git --server localhost:80",
        "git --server http://a|b"
      })
  void anythingElseIsRefusedWithASentence(String arguments) {
    assertThatThrownBy(() -> WatchOptions.parse(List.of(arguments.split(" "))))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageEndingWith(".");
  }
}

package nixery.server.popularity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.nio.file.Path;
import nixery.api.ConfigurationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PopularityAddressTests {

  private static PopularityAddress parse(String text) {
    return PopularityAddress.parse("NIX_POPULARITY_URL", text);
  }

  @Test
  void urlsAndPaths() {
    assertThat(parse("https://example.org/p.json"))
        .isEqualTo(new PopularityAddress.Web(URI.create("https://example.org/p.json")));
    assertThat(parse("file:///var/p.json"))
        .isEqualTo(parse("/var/p.json"))
        .isEqualTo(new PopularityAddress.File(Path.of("/var/p.json")));
    assertThat(parse("p.json"))
        .isEqualTo(new PopularityAddress.File(Path.of("p.json").toAbsolutePath()));
  }

  @Test
  void theQueryIsNotShown() {
    assertThat(parse("http://h:81/p.json?secret=1").toString()).isEqualTo("http://h:81/p.json");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ftp://example.org/p.json",
        "http:p.json",
        "http://",
        "https://me:secret@example.org/p.json",
        "file://host/p.json",
        "file:p.json",
        "http://example.org/ p.json",
        "/a\0b"
      })
  void refusesOthers(String text) {
    assertThatThrownBy(() -> parse(text))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("NIX_POPULARITY_URL")
        .hasMessageNotContaining("secret");
  }
}

package nixery.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PopularityTests {

  @Test
  void knowsCounts() throws IOException {
    Popularity popularity = read("{\"glibc\": 70000, \"hello\": 0}");

    assertThat(popularity.of("glibc")).isEqualTo(70000);
    assertThat(popularity.of("hello")).isEqualTo(1);
    assertThat(popularity.of("unknown")).isEqualTo(1);
  }

  @Test
  void digestsAreOfTheDataAndNotOfTheText() throws IOException {
    assertThat(read("{\"a\": 1, \"b\": 2}").digest())
        .isEqualTo(read("{\"b\":2,\"a\":1}").digest())
        .isNotEqualTo(read("{\"a\": 1}").digest());
    assertThat(read("{}").digest()).isEqualTo(Popularity.none().digest());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "{",
        "{\"a\"",
        "{\"a\": 1",
        "{\"a\": 1,}",
        "{\"a\": -1}",
        "{\"a\": 1.5}",
        "{\"a\": \"1\"}",
        "{\"a\": {}}",
        "{\"a\": 99999999999}",
        "{\"a\": 1, \"a\": 1}",
        "{\"a\": 1} {}",
        "<html>"
      })
  void refusesOtherData(String json) {
    assertThatIOException().isThrownBy(() -> read(json)).withMessageContaining("popularity");
  }

  private static Popularity read(String json) throws IOException {
    return Popularity.read(new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8)));
  }
}

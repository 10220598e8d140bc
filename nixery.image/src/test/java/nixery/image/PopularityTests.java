package nixery.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import nixery.image.Popularity.Usage;
import nixery.property.Property;
import nixery.property.Samples;
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

  @Test
  void takesVersionsOffAndAddsUpWhatIsTheSameThen() throws IOException {
    Popularity popularity =
        read(
            "{\"openssl-3.0.14\": 40, \"openssl-1.1.1w\": 2, \"openssl-3.0.14-dev\": 1, \"a-b\": 3}");

    assertThat(popularity.of("openssl")).isEqualTo(43);
    assertThat(popularity.of("a-b")).isEqualTo(3);
    assertThat(read("{\"a-1\": 2000000000, \"a-2\": 2000000000}").of("a"))
        .isEqualTo(Integer.MAX_VALUE);
  }

  @Test
  void readsTheVersionedFormInAnyOrder() throws IOException {
    String packages = "\"packages\": {\"glibc\": {\"narSize\": 9000000000, \"count\": 7}}";

    for (String json :
        List.of("{\"version\": 1, " + packages + "}", "{" + packages + ", \"version\": 1}")) {
      assertThat(read(json).packages()).isEqualTo(Map.of("glibc", new Usage(7, 9_000_000_000L)));
      assertThat(read(json).channel()).isEmpty();
      assertThat(read(json).digest()).isEqualTo(read("{\"glibc\": 7}").digest());
    }
    assertThat(read("{\"version\": 3, \"packages\": 2}").packages())
        .as("packages that are called so")
        .containsOnlyKeys("version", "packages");
  }

  @Test
  void readsWhatMayBeAddedToTheVersionedForm() throws IOException {
    assertThat(
            read("{\"version\": 1, \"by\": [{}], \"packages\": {\"a\": {\"count\": 2, \"narSize\": 3, \"x\": {}}}}")
                .of("a"))
        .isEqualTo(2);
  }

  @Test
  void writesALineForEachPackage() throws IOException {
    Popularity popularity =
        Popularity.of(
            Optional.of("nixos-unstable"),
            Optional.of("0123456789012345678901234567890123456789"),
            new TreeMap<>(Map.of("glibc", new Usage(7, 8), "bash", new Usage(0, 1))));

    assertThat(write(popularity))
        .isEqualTo(
            """
            {"version":1,"channel":"nixos-unstable","revision":"0123456789012345678901234567890123456789","packages":{
            "bash":{"count":0,"narSize":1},
            "glibc":{"count":7,"narSize":8}
            }}
            """);
  }

  @Test
  void readsWhatItWrites() {
    Property.holds(
        100,
        samples -> {
          Optional<String> channel =
              samples.flag() ? Optional.empty() : Optional.of(characters(samples));
          SortedMap<String, Usage> packages = new TreeMap<>();
          for (String name : samples.list(0, 100, () -> characters(samples))) {
            int count = samples.between(0, Integer.MAX_VALUE);
            packages.put(name, new Usage(count, count * 3L));
          }
          assertReadAsWritten(channel, packages);
        });
  }

  /** Returns any text; halves of characters could not be written. */
  private static String characters(Samples samples) {
    return new String(samples.text().getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
  }

  private static void assertReadAsWritten(
      Optional<String> channel, SortedMap<String, Usage> packages) throws IOException {
    Popularity written = Popularity.of(channel, channel, packages);

    Popularity read = read(write(written));

    assertThat(read.packages()).isEqualTo(packages);
    assertThat(read.channel()).isEqualTo(channel);
    assertThat(read.revision()).isEqualTo(channel);
    assertThat(read.digest()).isEqualTo(written.digest());
    assertThat(write(read)).isEqualTo(write(written));
  }

  private static String write(Popularity popularity) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    popularity.write(out);
    return out.toString(StandardCharsets.UTF_8);
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
        "<html>",
        "{\"version\": 2, \"packages\": {}}",
        "{\"version\": \"1\", \"packages\": {}}",
        "{\"packages\": {}}",
        "{\"version\": 1, \"packages\": []}",
        "{\"version\": 1, \"packages\": {}, \"packages\": {}}",
        "{\"version\": 1, \"packages\": {\"a\": 1}}",
        "{\"version\": 1, \"packages\": {\"a\": {\"count\": 1}}}",
        "{\"version\": 1, \"packages\": {\"a\": {\"narSize\": 1}}}",
        "{\"version\": 1, \"packages\": {\"a\": {\"count\": 2147483648, \"narSize\": 1}}}",
        "{\"version\": 1, \"packages\": {\"a\": {\"count\": 1, \"narSize\": 1}",
      })
  void refusesOtherData(String json) {
    assertThatIOException().isThrownBy(() -> read(json)).withMessageContaining("popularity");
  }

  private static Popularity read(String json) throws IOException {
    return Popularity.read(new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8)));
  }
}

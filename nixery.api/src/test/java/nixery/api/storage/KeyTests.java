package nixery.api.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import nixery.property.Property;
import nixery.property.Samples;
import org.junit.jupiter.api.Test;

class KeyTests {

  private static final String FIRST = "abcdefghijklmnopqrstuvwxyz0123456789";

  private static List<String> path(Samples samples) {
    return samples.list(1, 6, () -> samples.text(FIRST, 1, 1) + samples.text(FIRST + "._-", 0, 30));
  }

  @Test
  void joinsSegments() {
    Property.holds(1000, samples -> assertJoined(path(samples)));
  }

  private static void assertJoined(List<String> path) {
    List<String> more = path.subList(1, path.size());

    Key key = Key.of(path.getFirst(), more.toArray(String[]::new));

    assertThat(key.value()).isEqualTo(String.join("/", path));
    assertThat(Key.parse(key.value())).contains(key);
    assertThat(key).hasToString(key.value());
  }

  @Test
  void isASafePathAndNeedsNoQuoting() {
    Property.holds(1000, samples -> assertSafe(path(samples)));
  }

  private static void assertSafe(List<String> path) {
    String key = new Key(String.join("/", path)).value();
    Path folder = Path.of("/folder");

    Path file = folder.resolve(key);

    assertThat(file.normalize()).isEqualTo(file).startsWithRaw(folder).isNotEqualTo(folder);
    assertThat(folder.relativize(file)).hasToString(key);
    assertThat(URI.create("http://host/" + key).getPath()).isEqualTo("/" + key);
    assertThat(URI.create("http://host/").resolve(key)).hasToString("http://host/" + key);
  }

  /** Of texts that are keys, or nearly. */
  @Test
  void hasOnlySegmentsThatBeginWithALetterOrDigit() {
    Property.holds(
        1000, samples -> assertParsedAsDefined(samples.text("ab0._-/AZ \\\n\0%ä", 0, 12)));
  }

  private static void assertParsedAsDefined(String text) {
    boolean expected = true;
    for (String segment : text.split("/", -1)) {
      expected &=
          !segment.isEmpty()
              && FIRST.indexOf(segment.charAt(0)) >= 0
              && segment.chars().allMatch(c -> (FIRST + "._-").indexOf(c) >= 0);
    }

    assertThat(Key.parse(text).isPresent()).isEqualTo(expected);
  }

  @Test
  void parsesWhatTheConstructorAccepts() {
    Property.holds(
        1000,
        samples -> {
          String text = samples.flag() ? samples.text() : samples.text(FIRST + "/.", 0, 12);
          Key.parse(text)
              .ifPresentOrElse(
                  key -> assertThat(key).isEqualTo(new Key(text)),
                  () ->
                      assertThatThrownBy(() -> new Key(text))
                          .isInstanceOf(IllegalArgumentException.class));
        });
  }

  @Test
  void isNeverTooLong() {
    assertThat(Key.parse("a".repeat(Key.MAX_LENGTH))).isPresent();
    assertThat(Key.parse("a".repeat(Key.MAX_LENGTH + 1))).isEmpty();
    assertThat(Key.parse("a/".repeat(1_000_000))).isEmpty();
  }

  @Test
  void refusesWhatLeadsElsewhere() {
    for (String text : List.of("", "/", "/a", "a/", "a//b", ".", "..", "a/..", "a/../b", "_a")) {
      assertThatThrownBy(() -> new Key(text)).isInstanceOf(IllegalArgumentException.class);
    }
  }
}

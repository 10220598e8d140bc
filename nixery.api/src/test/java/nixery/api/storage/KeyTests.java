package nixery.api.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class KeyTests {

  private static final String FIRST = "abcdefghijklmnopqrstuvwxyz0123456789";

  @Provide
  Arbitrary<String> segments() {
    return Combinators.combine(
            Arbitraries.of(FIRST.chars().mapToObj(c -> (char) c).toList()),
            Arbitraries.strings().withChars(FIRST + "._-").ofMaxLength(30))
        .as((first, more) -> first + more);
  }

  @Provide
  Arbitrary<List<String>> paths() {
    return segments().list().ofMinSize(1).ofMaxSize(6);
  }

  /** Texts that are keys, or nearly. */
  @Provide
  Arbitrary<String> nearlyKeys() {
    return Arbitraries.strings().withChars("ab0._-/AZ \\\n\0%ä").ofMaxLength(12);
  }

  @Property
  void joinsSegments(@ForAll("paths") List<String> path) {
    List<String> more = path.subList(1, path.size());

    Key key = Key.of(path.getFirst(), more.toArray(String[]::new));

    assertThat(key.value()).isEqualTo(String.join("/", path));
    assertThat(Key.parse(key.value())).contains(key);
    assertThat(key).hasToString(key.value());
  }

  @Property
  void isASafePathAndNeedsNoQuoting(@ForAll("paths") List<String> path) {
    String key = new Key(String.join("/", path)).value();
    Path folder = Path.of("/folder");

    Path file = folder.resolve(key);

    assertThat(file.normalize()).isEqualTo(file).startsWithRaw(folder).isNotEqualTo(folder);
    assertThat(folder.relativize(file)).hasToString(key);
    assertThat(URI.create("http://host/" + key).getPath()).isEqualTo("/" + key);
    assertThat(URI.create("http://host/").resolve(key)).hasToString("http://host/" + key);
  }

  @Property
  void hasOnlySegmentsThatBeginWithALetterOrDigit(@ForAll("nearlyKeys") String text) {
    boolean expected = true;
    for (String segment : text.split("/", -1)) {
      expected &=
          !segment.isEmpty()
              && FIRST.indexOf(segment.charAt(0)) >= 0
              && segment.chars().allMatch(c -> (FIRST + "._-").indexOf(c) >= 0);
    }

    assertThat(Key.parse(text).isPresent()).isEqualTo(expected);
  }

  @Property
  void parsesWhatTheConstructorAccepts(@ForAll String text) {
    Key.parse(text)
        .ifPresentOrElse(
            key -> assertThat(key).isEqualTo(new Key(text)),
            () ->
                assertThatThrownBy(() -> new Key(text))
                    .isInstanceOf(IllegalArgumentException.class));
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

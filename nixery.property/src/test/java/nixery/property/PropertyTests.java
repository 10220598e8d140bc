package nixery.property;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class PropertyTests {

  private static List<Object> values(Samples samples) {
    return List.of(
        samples.flag(),
        samples.between(-9, 9),
        samples.between(0, Long.MAX_VALUE),
        samples.text(),
        samples.list(0, 5, () -> samples.of(List.of("a", "b"))));
  }

  @Test
  void eachTryHasOtherValues() {
    Set<Long> seen = new HashSet<>();
    Property.holds(100, samples -> seen.add(samples.random().nextLong()));
    assertThat(seen).hasSize(100);
  }

  @Test
  void aFailureNamesTheSeedWhichRepeatsIt() {
    List<List<Object>> seen = new ArrayList<>();
    Property property =
        samples -> {
          seen.add(values(samples));
          assertThat(seen).as("as the test wants it").hasSizeLessThan(3);
        };
    AssertionError[] failure = new AssertionError[1];
    assertThatThrownBy(() -> Property.holds(100, property))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("as the test wants it")
        .hasMessageContaining("try 3 of 100")
        .hasCauseInstanceOf(AssertionError.class)
        .satisfies(e -> failure[0] = (AssertionError) e);
    Matcher seed =
        Pattern.compile("-Dnixery\\.property\\.seed=(-?\\d+)").matcher(failure[0].getMessage());
    assertThat(seed.find()).isTrue();
    assertThat(values(new Samples(Long.parseLong(seed.group(1))))).isEqualTo(seen.getLast());
  }

  @Test
  void exceptionsAreFailures() {
    assertThatThrownBy(() ->
            Property.holds(
                5,
                _ -> {
                  throw new java.io.IOException("broken");
                }))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("IOException: broken")
        .hasRootCauseMessage("broken");
  }

  @Test
  void valuesStayWithinTheirBoundsAndReachThem() {
    Set<Integer> numbers = new HashSet<>();
    Property.holds(
        1000,
        samples -> {
          numbers.add(samples.between(-2, 2));
          numbers.add(samples.between(3, 3));
          numbers.add(Integer.signum(samples.between(Integer.MIN_VALUE, Integer.MAX_VALUE)));
          assertThat(samples.between(5, Long.MAX_VALUE)).isGreaterThanOrEqualTo(5);
          assertThat(samples.text(2, 4)).hasSizeBetween(2, 4);
          assertThat(samples.text("ab", 1, 3)).matches("[ab]{1,3}");
          assertThat(samples.list(1, 2, samples::flag)).hasSizeBetween(1, 2);
        });
    assertThat(numbers).containsExactlyInAnyOrder(-2, -1, 0, 1, 2, 3);
  }
}

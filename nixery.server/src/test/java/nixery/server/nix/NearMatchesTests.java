package nixery.server.nix;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import nixery.property.Property;
import nixery.property.Samples;
import org.junit.jupiter.api.Test;

class NearMatchesTests {

  @Test
  void rankByDistance() {
    assertThat(
            NearMatches.of(
                "pyton", List.of("python310", "python", "Python3", "ruby", "pytho", "python3")))
        .containsExactly("python", "pytho", "python3");
  }

  @Test
  void includeLongerNames() {
    assertThat(NearMatches.of("postgres", List.of("postgresql_16", "postgrey", "mysql")))
        .containsExactly("postgrey", "postgresql_16");
  }

  @Test
  void haveTheFormThatIsAskedFor() {
    assertThat(NearMatches.of("1pasword", List.of("_1password", "_2password_")))
        .first()
        .isEqualTo("1password");
  }

  @Test
  void areFew() {
    assertThat(NearMatches.of("abc", List.of("abca", "abcb", "abcc", "abcd", "abce", "abcf")))
        .hasSize(5);
  }

  @Test
  void distanceIsSymmetricAndZeroForEquals() {
    Property.holds(
        1000,
        samples -> {
          String letters = samples.flag() ? "ab" : Samples.LETTERS;
          assertDistance(samples.text(letters, 0, 12), samples.text(letters, 0, 12));
        });
  }

  private static void assertDistance(String a, String b) {
    int distance = NearMatches.distance(a, b);

    assertThat(distance).isEqualTo(NearMatches.distance(b, a));
    assertThat(distance == 0).isEqualTo(a.equals(b));
    assertThat(distance)
        .isBetween(Math.abs(a.length() - b.length()), Math.max(a.length(), b.length()));
  }

  @Test
  void anEditIsADistanceOfOne() {
    Property.holds(
        1000,
        samples -> {
          String name = samples.text(Samples.LETTERS, 2, 12);
          assertOneEditAway(name, samples.between(0, name.length() - 2));
        });
  }

  private static void assertOneEditAway(String name, int i) {
    String swapped =
        name.substring(0, i) + name.charAt(i + 1) + name.charAt(i) + name.substring(i + 2);

    assertThat(NearMatches.distance(name, swapped)).isLessThanOrEqualTo(1);
    assertThat(NearMatches.distance(name, name.substring(0, i) + name.substring(i + 1)))
        .isEqualTo(1);
    assertThat(NearMatches.distance(name, name.substring(0, i) + "-" + name.substring(i)))
        .isEqualTo(1);
  }
}

package nixery.server.registry;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import nixery.property.Property;
import org.junit.jupiter.api.Test;

final class ByteRangeTests {

  @Test
  void readsOneRange() {
    assertThat(parse("bytes=0-0")).isEqualTo(new ByteRange.Part(0, 0));
    assertThat(parse("bytes=3-")).isEqualTo(new ByteRange.Part(3, 9));
    assertThat(parse("bytes=3-99999999999999999999")).isEqualTo(new ByteRange.Part(3, 9));
    assertThat(parse("bytes=-4")).isEqualTo(new ByteRange.Part(6, 9));
    assertThat(parse("bytes=-40")).isEqualTo(new ByteRange.Part(0, 9));
    assertThat(parse("Bytes= 1-2 ")).isEqualTo(new ByteRange.Part(1, 2));
  }

  @Test
  void ignoresWhatItMay() {
    for (String header :
        List.of(
            "",
            "bytes=",
            "bytes=-",
            "bytes=0-1,3-4",
            "lines=1-2",
            "bytes 1-2",
            "bytes=a-b",
            "bytes=-1-2",
            "bytes=0x1-2")) {
      assertThat(parse(header)).as(header).isEqualTo(new ByteRange.Whole());
    }
    assertThat(ByteRange.parse(Optional.of("bytes=0-"), 0)).isEqualTo(new ByteRange.Whole());
  }

  @Test
  void refusesWhatIsNotThere() {
    for (String header :
        List.of(
            "bytes=10-", "bytes=10-20", "bytes=5-2", "bytes=-0", "bytes=99999999999999999999-")) {
      assertThat(parse(header)).as(header).isEqualTo(new ByteRange.Unsatisfiable());
    }
  }

  @Test
  void staysInside() {
    Property.holds(
        1000,
        samples ->
            assertInside(samples.between(0, 50), samples.between(0, 50), samples.between(0, 50)));
  }

  private static void assertInside(int first, int last, int length) {
    for (String header :
        List.of("bytes=" + first + "-" + last, "bytes=" + first + "-", "bytes=-" + last)) {
      if (ByteRange.parse(Optional.of(header), length)
          instanceof ByteRange.Part(long from, long to)) {
        assertThat(from).isBetween(0L, to);
        assertThat(to).isLessThan(length);
      }
    }
  }

  private static ByteRange parse(String header) {
    return ByteRange.parse(Optional.of(header), 10);
  }
}

package nixery.server.web.pages;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class AmountsTests {

  @ParameterizedTest
  @CsvSource({
    "0, 0 B",
    "999, 999 B",
    "1000, 1.0 kB",
    "99949, 99.9 kB",
    "99950, 100 kB",
    "999499, 999 kB",
    "999500, 1.0 MB",
    "28900000, 28.9 MB",
    "9223372036854775807, 9.2 EB"
  })
  void bytes(long bytes, String text) {
    assertThat(Amounts.bytes(bytes)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0.0 s",
    "430, 0.4 s",
    "9990, 10.0 s",
    "12999, 12 s",
    "185000, 3 min 5 s",
    "7260000, 2 h 1 min"
  })
  void durations(long millis, String text) {
    assertThat(Amounts.duration(Duration.ofMillis(millis))).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({
    "0, just now",
    "59, 59 s ago",
    "61, 1 min ago",
    "7300, 2 h ago",
    "864000, 10 days ago",
    "-5, just now"
  })
  void ages(long seconds, String text) {
    assertThat(Amounts.ago(Duration.ofSeconds(seconds))).isEqualTo(text);
  }
}

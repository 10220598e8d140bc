package nixery.server.progress;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import nixery.property.Property;
import org.junit.jupiter.api.Test;

final class BuildLogTests {

  private final BuildLog log = new BuildLog();

  @Test
  void aLogOfAnyLengthTakesBoundedMemory() {
    String line = "x".repeat(10_000);
    for (int i = 0; i < 100_000; i++) {
      log.add(line);
    }
    assertThat(log.characters()).isBetween(BuildLog.MAX_CHARACTERS / 2L, 1L << 20);
    LogLines lines = log.from(0, Integer.MAX_VALUE);
    assertThat(lines.lines()).hasSizeLessThanOrEqualTo(BuildLog.MAX_LINES);
    assertThat(lines.lines()).allSatisfy(each -> assertThat(each).hasSize(BuildLog.MAX_LINE));
    assertThat(lines.next()).isEqualTo(100_000);
  }

  @Test
  void shortLinesAreBoundedByTheirNumber() {
    for (int i = 0; i < 10_000; i++) {
      log.add("");
    }
    assertThat(log.from(0, Integer.MAX_VALUE).lines()).hasSize(BuildLog.MAX_LINES);
  }

  @Test
  void aLongLineIsNotCutInTheMiddleOfACharacter() {
    log.add("a" + "😀".repeat(BuildLog.MAX_LINE));
    assertThat(log.from(0, 1).lines().getFirst()).endsWith("😀…");
  }

  /** Whoever reads in batches of any size sees each line that is left once, and in order. */
  @Test
  void batchesMakeTheWhole() {
    Property.holds(
        200,
        samples ->
            assertRead(samples.list(0, 50, () -> samples.text(0, 5)), samples.between(1, 7)));
  }

  private static void assertRead(List<String> lines, int batch) {
    BuildLog some = new BuildLog();
    lines.forEach(some::add);
    List<String> read = new ArrayList<>();
    long next = 0;
    while (true) {
      LogLines part = some.from(next, batch);
      assertThat(part.first()).isEqualTo(next);
      if (part.lines().isEmpty()) {
        break;
      }
      read.addAll(part.lines());
      next = part.next();
    }
    assertThat(read).isEqualTo(lines);
    assertThat(some.from(Long.MAX_VALUE, batch).lines()).isEmpty();
  }
}

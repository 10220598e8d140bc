package nixery.server.web.pages;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import nixery.property.Property;
import org.junit.jupiter.api.Test;

final class EventsTests {

  @Test
  void anEventHasALineForEachLine() {
    assertThat(Events.event("log", "7", "one\ntwo\r\n\rfour"))
        .isEqualTo("event: log\nid: 7\ndata: one\ndata: two\ndata: \ndata: four\n\n");
    assertThat(Events.event("end", "", "")).isEqualTo("event: end\ndata: \n\n");
  }

  /** Whatever a build prints, it is data of one event and begins no other. */
  @Test
  void dataNeverLeavesItsEvent() {
    Property.holds(1000, samples -> assertStaysInside(samples.text()));
  }

  private static void assertStaysInside(String data) {
    List<String> lines = Events.event("log", "1", data).lines().toList();
    assertThat(lines.subList(0, 2)).containsExactly("event: log", "id: 1");
    assertThat(lines.getLast()).isEmpty();
    assertThat(lines.subList(2, lines.size() - 1))
        .isNotEmpty()
        .allSatisfy(line -> assertThat(line).startsWith("data: "));
  }
}

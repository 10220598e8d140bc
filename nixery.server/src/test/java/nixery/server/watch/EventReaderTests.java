package nixery.server.watch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import nixery.server.watch.EventReader.Event;
import org.junit.jupiter.api.Test;

final class EventReaderTests {

  private static EventReader reader(String... lines) {
    return new EventReader(List.of(lines).iterator());
  }

  @Test
  void eventsAreRead() {
    EventReader reader =
        reader(
            "retry: 2000",
            "",
            "event: log",
            "id: 5",
            "data: one",
            "data:two",
            "data:",
            "",
            ": still",
            "",
            "data",
            "",
            "event: end",
            "data: done",
            "");
    assertThat(reader.next()).contains(new Event("log", "one\ntwo\n"));
    assertThat(reader.lastId()).isEqualTo("5");
    assertThat(reader.next()).contains(new Event("message", ""));
    assertThat(reader.next()).contains(new Event("end", "done"));
    assertThat(reader.lastId()).isEqualTo("5");
    assertThat(reader.next()).isEmpty();
  }

  @Test
  void anEventThatIsCutOffIsNone() {
    assertThat(reader("event: end", "data: done").next()).isEqualTo(Optional.empty());
  }
}

package nixery.server.nix;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import nixery.property.Property;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class NixLogTests {

  private final List<String> lines = new ArrayList<>();
  private final NixLog log = new NixLog(lines::add);

  private static String logLine(String text) {
    return "@nix {\"action\":\"result\",\"fields\":["
        + JsonMapper.shared().writeValueAsString(text)
        + "],\"id\":7,\"type\":101}";
  }

  @Test
  void prefersTheErrorItself() {
    log.accept("@nix {\"action\":\"msg\",\"level\":0,\"msg\":\"trace: x\"}");
    log.accept(
        "@nix {\"action\":\"msg\",\"column\":3,\"file\":\"/a/b.nix:2:3\",\"level\":0,\"line\":2,"
            + "\"msg\":\"\\u001b[31;1merror:\\u001b[0m while …\",\"raw_msg\":\"\\u001b[35;1mbad\\u001b[0m\"}");

    assertThat(log.problem()).isEqualTo("bad\nat /a/b.nix:2:3");
  }

  @Test
  void takesWhatComesAfterTheLastErrorOtherwise() {
    log.accept("error: not this");
    log.accept("GC Warning: Out of Memory!");
    log.accept(
        "@nix {\"action\":\"msg\",\"level\":0,\"msg\":\"\\u001b[31;1merror:\\u001b[0m out of memory\"}");

    assertThat(log.problem()).isEqualTo("out of memory");
  }

  @Test
  void hasSomethingToSayInAnyCase() {
    assertThat(log.problem()).isNotBlank();
  }

  @Test
  void knowsHowLongAFailedBuildTook() {
    log.accept(
        "@nix {\"action\":\"start\",\"fields\":[\"/nix/store/a.drv\",\"\",1,1],\"id\":7,\"level\":3,\"text\":\"building\",\"type\":105}");

    assertThat(log.timeout(Duration.ZERO, Duration.ofSeconds(2)))
        .contains("Building /nix/store/a.drv took longer than 2 seconds.");
    assertThat(log.timeout(Duration.ofHours(1), Duration.ofHours(1))).isEmpty();
    assertThat(lines).containsExactly("building");

    log.accept("@nix {\"action\":\"stop\",\"id\":7}");
    assertThat(log.timeout(Duration.ZERO, Duration.ofSeconds(2))).isPresent();
    assertThat(log.timeout(Duration.ofHours(1), Duration.ofHours(1))).isEmpty();
  }

  @Test
  void toleratesAnything() {
    Property.holds(
        300,
        samples -> {
          String text = samples.text();
          log.accept(text);
          log.accept("@nix " + text);
          log.accept(logLine(text));

          assertThat(log.problem()).isNotNull();
        });
  }

  @Test
  void readsTheBeginningOfALineThatWasCut() {
    Property.holds(300, samples -> assertRead(samples.text(10, 40), samples.between(0, 40)));
  }

  private static void assertRead(String text, int cut) {
    var seen = new ArrayList<String>();
    // As bytes that are no text are replaced on the way.
    String clean = new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
    String begin = "begin" + clean;
    String whole = logLine(begin);
    String head =
        whole.substring(0, Math.min(whole.indexOf("begin") + 5 + cut, whole.length() - 22));

    new NixLog(seen::add).accept(head);

    assertThat(seen).hasSize(1);
    assertThat(Messages.plain(begin).replace("\ufffd", ""))
        .startsWith(Messages.plain(seen.getFirst()).replace("\ufffd", ""));
  }

  @Test
  void cleansMessages() {
    assertThat(
            Messages.forClient(
                "\u001b[1mat\u001b[0m /srv/set/a.nix:\u0000 /nix/store/0123456789abcdfghijklmnpqrsvwxyz-x-1.0.drv in /srv/set, not /srv/settings\r\n",
                List.of(Path.of("/srv/set"), Path.of("/"))))
        .isEqualTo("at a.nix: x-1.0.drv in ., not /srv/settings");
    assertThat(Messages.forClient("é".repeat(10_000), List.of())).hasSize(Messages.MAX_MESSAGE);
  }
}

package nixery.server.watch;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

final class DisplayTests {

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);

  private String shown() {
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void withoutATerminalThereIsALineForEachChange() {
    try (Display display = new Display(out, false, 0)) {
      display.progress(0.1, "Build packages", "0 of 2 built", "1 s");
      display.progress(0.1, "Build packages", "0 of 2 built", "2 s");
      display.line("gcc -c");
      display.progress(0.3, "Build packages", "1 of 2 built", "3 s");
    }
    assertThat(shown().lines())
        .containsExactly("Build packages: 0 of 2 built", "gcc -c", "Build packages: 1 of 2 built");
  }

  @Test
  void aTerminalHasABarInItsLastLine() {
    try (Display display = new Display(out, true, 60)) {
      display.progress(0.5, "Build packages", "1 of 2 built", "3 s");
      display.line("gcc -c");
    }
    String bar = "[############------------]  50% Build packages: 1 of 2 buil";
    assertThat(bar).hasSize(59);
    assertThat(shown())
        .isEqualTo("\r\u001b[2K" + bar + "\r\u001b[2Kgcc -c\n" + bar + "\r\u001b[2K");
  }

  @Test
  void aServerCannotControlTheTerminalByWhatItDoes() {
    try (Display display = new Display(out, true, 80)) {
      display.progress(0, "a\u001b[2J", "b\u0007\nc", "1\u009b s");
    }
    assertThat(shown())
        .isEqualTo("\r\u001b[2K[" + "-".repeat(24) + "]   0% a[2J: b c, 1 s\r\u001b[2K");
  }

  @Test
  void aServerCannotControlTheTerminal() {
    try (Display display = new Display(out, false, 0)) {
      display.line("a\u001b[2J\u0007b\u009bc\td\re");
    }
    assertThat(shown()).isEqualTo("a[2Jbc de" + System.lineSeparator());
  }
}

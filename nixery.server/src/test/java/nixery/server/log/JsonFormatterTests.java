package nixery.server.log;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.Optional;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import nixery.property.Property;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class JsonFormatterTests {

  private static LogRecord line(String message, Object... parameters) {
    LogRecord line = new LogRecord(Level.WARNING, message);
    line.setLoggerName("nixery.server.Nixery");
    line.setInstant(Instant.EPOCH);
    line.setParameters(parameters);
    return line;
  }

  private static JsonNode format(LogRecord line) {
    String text = new JsonFormatter().format(line);
    assertThat(text).endsWith("}\n");
    assertThat(text.lines()).hasSize(1);
    return new JsonMapper().readTree(text);
  }

  @Test
  void anyMessageIsOneLine() {
    Property.holds(
        1000,
        samples -> {
          String message = samples.text();
          assertThat(format(line("{0}", message)).get("message").asString()).isEqualTo(message);
        });
  }

  @Test
  void fieldsAreNamed() {
    JsonNode json = format(line("port {0} of {1}", "80", "here"));
    assertThat(json.toString())
        .isEqualTo(
            "{\"timestamp\":\"1970-01-01T00:00:00Z\",\"level\":\"WARNING\","
                + "\"logger\":\"nixery.server.Nixery\",\"message\":\"port 80 of here\"}");
  }

  @Test
  void exceptionsHaveTheirCauses() {
    LogRecord line = line("broken");
    line.setThrown(new IllegalStateException("outer", new IllegalArgumentException("inner")));
    assertThat(format(line).get("exception").asString())
        .contains("IllegalStateException: outer")
        .contains("Caused by: java.lang.IllegalArgumentException: inner");
  }

  @Test
  void linesOfARequestHaveItsId() {
    LogRecord line = line("a tag may be outdated");
    RequestId id = RequestId.of(Optional.of("pull-1"));
    id.during(() -> {
      assertThat(format(line).get("request").asString()).isEqualTo("pull-1");
      assertThat(new TextFormatter().format(line))
          .endsWith(" WARNING nixery.server.Nixery a tag may be outdated request=pull-1\n");
    });
    assertThat(format(line).has("request")).isFalse();
    assertThat(new TextFormatter().format(line)).endsWith(" a tag may be outdated\n");
  }
}

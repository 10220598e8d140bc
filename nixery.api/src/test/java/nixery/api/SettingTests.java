package nixery.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import nixery.property.Property;
import org.junit.jupiter.api.Test;

class SettingTests {

  private enum Color {
    RED,
    LIGHT_GREEN
  }

  private static final Setting<String> TEXT = Setting.text("X", "what it is");
  private static final Setting<Path> PATH = Setting.path("X", "where it is");
  private static final Setting<Integer> NUMBER = Setting.number("X", "how many", -5, 9);
  private static final Setting<Duration> SECONDS = Setting.seconds("X", "how long");
  private static final Setting<Boolean> FLAG = Setting.flag("X", "whether");
  private static final Setting<URI> URL = Setting.url("X", "where");
  private static final Setting<Color> CHOICE = Setting.choice("X", "which", Color.class);

  private static final List<Setting<?>> SETTINGS =
      List.of(TEXT, PATH, NUMBER, SECONDS, FLAG, URL, CHOICE);

  private static <T> Optional<T> read(Setting<T> setting, String value) {
    return Settings.of(Map.of("X", value)).find(setting);
  }

  @Test
  void readsValuesOfAllTypes() {
    assertThat(read(TEXT, " as it is ")).contains(" as it is ");
    assertThat(read(PATH, "/a/./b/../c")).contains(Path.of("/a/c"));
    assertThat(read(PATH, "a")).contains(Path.of("a").toAbsolutePath());
    assertThat(read(NUMBER, "-5")).contains(-5);
    assertThat(read(NUMBER, "9")).contains(9);
    assertThat(read(SECONDS, "90")).contains(Duration.ofSeconds(90));
    assertThat(read(FLAG, "true")).contains(true);
    assertThat(read(FLAG, "False")).contains(false);
    assertThat(read(URL, "https://example.org:8443/a?b")).isPresent();
    assertThat(read(URL, "HTTP://example.org")).isPresent();
    assertThat(read(CHOICE, "red")).contains(Color.RED);
    assertThat(read(CHOICE, "light-green")).contains(Color.LIGHT_GREEN);
  }

  @Test
  void saysWhatAValueMustBe() {
    assertMessage(NUMBER, "10", "X must be a whole number from -5 to 9, not '10'.");
    assertMessage(NUMBER, "1.5", "X must be a whole number from -5 to 9, not '1.5'.");
    assertMessage(NUMBER, " 1", "X must be a whole number from -5 to 9, not ' 1'.");
    assertMessage(SECONDS, "0", "X must be a number of seconds from 1 to 604800, not '0'.");
    assertMessage(SECONDS, "1m", "X must be a number of seconds from 1 to 604800, not '1m'.");
    assertMessage(FLAG, "yes", "X must be true or false, not 'yes'.");
    assertMessage(CHOICE, "RED", "X must be one of red, light-green, not 'RED'.");
    assertMessage(PATH, "a\0b", "X must be a path, not 'a b'.");
    for (String url : List.of("example.org", "ftp://example.org", "http:///x", "http:x", "a b")) {
      assertMessage(
          URL,
          url,
          "X must be an address that starts with http:// or https://, not '%s'.".formatted(url));
    }
  }

  @Test
  void showsNoPasswordOfAnAddress() {
    assertMessage(
        URL,
        "htp://me:pass@word@example.org/x",
        "X must be an address that starts with http:// or https://, not 'htp://example.org/x'.");
  }

  private static void assertMessage(Setting<?> setting, String value, String message) {
    assertThatThrownBy(() -> read(setting, value))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(message);
  }

  @Test
  void readsExactlyTheNumbersWithinTheBounds() {
    Property.holds(
        1000,
        samples -> {
          int number =
              samples.flag()
                  ? samples.between(-20, 20)
                  : samples.between(Integer.MIN_VALUE, Integer.MAX_VALUE);
          Throwable failure = catchThrowable(() -> read(NUMBER, Integer.toString(number)));

          assertThat(failure == null).isEqualTo(number >= -5 && number <= 9);
        });
  }

  /** Whatever stands in the environment, the answer is a value or one short line. */
  @Test
  void answersAnyTextWithAValueOrOneLine() {
    Property.holds(1000, samples -> assertAValueOrOneLine(samples.of(SETTINGS), samples.text()));
  }

  private static void assertAValueOrOneLine(Setting<?> setting, String text) {
    Throwable failure = catchThrowable(() -> read(setting, text));

    if (failure != null) {
      assertThat(failure)
          .isInstanceOf(ConfigurationException.class)
          .message()
          .startsWith("X must be ")
          .endsWith(".")
          .doesNotContainPattern("\\p{Cntrl}")
          .hasSizeLessThan(250);
    }
  }

  /** A prefix that occurs nowhere else stands for the secret. */
  @Test
  void neverShowsASecret() {
    Property.holds(1000, samples -> assertNotShown(samples.of(SETTINGS), samples.text()));
  }

  private static void assertNotShown(Setting<?> setting, String text) {
    Throwable failure = catchThrowable(() -> read(setting.secret(), "s3cr3t" + text));

    if (failure != null) {
      StringWriter trace = new StringWriter();
      failure.printStackTrace(new PrintWriter(trace));
      assertThat(failure).isInstanceOf(ConfigurationException.class);
      assertThat(trace.toString()).contains("its value, which is secret").doesNotContain("s3cr3t");
    }
  }

  @Test
  void readsFormsOfAPluginsOwn() {
    Setting<List<String>> words =
        Setting.parsed(
            "X",
            "words",
            "words separated by colons",
            text ->
                text.contains("::") ? Optional.empty() : Optional.of(List.of(text.split(":", -1))));

    assertThat(read(words, "a:b")).contains(List.of("a", "b"));
    assertThatThrownBy(() -> read(words, "a::b"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("X must be words separated by colons, not 'a::b'.");
  }

  @Test
  void keepsWhatItWasDeclaredWith() {
    Setting<Integer> setting = NUMBER.withDefault("3").secret();

    assertThat(setting.name()).isEqualTo("X");
    assertThat(setting.meaning()).isEqualTo("how many");
    assertThat(setting.expectation()).isEqualTo("a whole number from -5 to 9");
    assertThat(setting.defaultText()).contains("3");
    assertThat(setting.isSecret()).isTrue();
    assertThat(setting.isRequired()).isFalse();
    assertThat(NUMBER.isSecret()).isFalse();
    assertThat(NUMBER.secret().required().isSecret()).isTrue();
    assertThat(NUMBER.required().isRequired()).isTrue();
  }

  @Test
  void refusesDeclarationsThatCannotWork() {
    assertThatThrownBy(() -> NUMBER.withDefault("10"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the default of X is not a whole number from -5 to 9");
    assertThatThrownBy(() -> Setting.text("no-variable", "x"))
        .isInstanceOf(IllegalArgumentException.class);
  }
}

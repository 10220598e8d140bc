package nixery.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SettingsTests {

  private static final Setting<Integer> PORT =
      Setting.number("PORT", "port to listen on", 0, 65535);

  @Test
  void takesTheDefaultWhenTheVariableIsNotThereOrEmpty() {
    Setting<Integer> port = PORT.withDefault("8080");

    assertThat(Settings.of(Map.of()).get(port)).isEqualTo(8080);
    assertThat(Settings.of(Map.of("PORT", "")).get(port)).isEqualTo(8080);
    assertThat(Settings.of(Map.of("PORT", "80")).get(port)).isEqualTo(80);
    assertThat(Settings.of(Map.of("PORT", "80")).find(port)).contains(80);
  }

  @Test
  void saysWhichRequiredSettingIsMissing() {
    assertThatThrownBy(() -> Settings.of(Map.of("PORT", "")).get(PORT.required()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "PORT is not set: set it to a whole number from 0 to 65535 (port to listen on).");
  }

  @Test
  void findsNothingForAnOptionalSetting() {
    assertThat(Settings.of(Map.of("PORT", "")).find(PORT)).isEmpty();
    assertThatThrownBy(() -> Settings.of(Map.of("PORT", "80")).get(PORT))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void tellsWhatIsSet() {
    Settings settings = Settings.of(Map.of("PORT", "none", "EMPTY", ""));

    assertThat(settings.isSet(PORT.withDefault("1"))).isTrue();
    assertThat(settings.isSet(Setting.text("EMPTY", "x"))).isFalse();
    assertThat(settings.isSet(Setting.text("OTHER", "x").withDefault("y"))).isFalse();
    assertThat(settings.names()).containsExactlyInAnyOrder("PORT", "EMPTY");
  }

  @Test
  void doesNotChangeWithTheEnvironment() {
    Map<String, String> environment = new HashMap<>(Map.of("PORT", "80"));
    Settings settings = Settings.of(environment);
    environment.put("PORT", "81");

    assertThat(settings.get(PORT.required())).isEqualTo(80);
  }
}

package nixery.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import nixery.api.ConfigurationException;
import nixery.api.Plugin;
import nixery.api.PluginContext;
import nixery.api.Setting;
import nixery.api.Settings;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What all providers must do, whatever they provide. Not to be extended directly: see {@link
 * StorageContractTests} and {@link PackageSourceContractTests}.
 */
@Timeout(300)
public abstract sealed class PluginContractTests
    permits StorageContractTests, PackageSourceContractTests {

  @TempDir Path temporary;

  private Map<String, String> environment = Map.of();

  PluginContractTests() {}

  /** Returns the provider under test, made as {@link java.util.ServiceLoader} would make it. */
  protected abstract Plugin provider();

  /**
   * Sets up what the plugin needs, and returns the environment variables with which it is opened.
   * Called once before each test.
   *
   * @return every required setting and whatever else the tests need
   * @throws Exception if it cannot be set up, which fails the test
   */
  protected abstract Map<String, String> environment() throws Exception;

  /** Opens the plugin and closes it again. */
  abstract void openAndClose(PluginContext context);

  @BeforeEach
  void readEnvironment() throws Exception {
    environment = Map.copyOf(environment());
  }

  final Map<String, String> configured() {
    return environment;
  }

  final PluginContext context() {
    return context(environment);
  }

  private PluginContext context(Map<String, String> variables) {
    return new PluginContext(Settings.of(variables), temporary);
  }

  @Test
  void hasAnApiVersionAndAName() {
    assertThat(provider().apiVersion()).isEqualTo(Plugin.API_VERSION);
    assertThat(provider().name()).matches("[a-z0-9]+(-[a-z0-9]+)*");
  }

  @Test
  void declaresEachSettingOnceWithAMeaning() {
    List<Setting<?>> settings = provider().settings();

    assertThat(settings).extracting(Setting::name).doesNotHaveDuplicates();
    assertThat(settings).allSatisfy(setting -> assertThat(setting.meaning()).isNotBlank());
    assertThat(provider().settings()).extracting(Setting::name).isEqualTo(names(settings));
  }

  @Test
  void declaresTheSettingsItIsTestedWith() {
    assertThat(names(provider().settings())).containsAll(environment.keySet());
  }

  @Test
  void refusesToOpenWithoutARequiredSettingAndNamesIt() {
    for (Setting<?> setting : provider().settings()) {
      if (setting.isRequired()) {
        Map<String, String> lacking = new HashMap<>(environment);
        lacking.remove(setting.name());

        assertThatThrownBy(() -> openAndClose(context(lacking)))
            .isInstanceOf(ConfigurationException.class)
            .hasMessageContaining(setting.name());
      }
    }
  }

  @Test
  void opensMoreThanOnce() {
    openAndClose(context());
    openAndClose(context());
  }

  private static List<String> names(List<Setting<?>> settings) {
    return settings.stream().<String>map(Setting::name).toList();
  }
}

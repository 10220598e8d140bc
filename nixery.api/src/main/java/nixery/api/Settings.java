package nixery.api;

import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The configuration: environment variables, read through the {@link Setting}s that declare them.
 * Immutable. A variable that is set to the empty string counts as not set, as is usual where
 * containers pass on variables that they may not have.
 */
public final class Settings {

  private final Map<String, String> environment;

  private Settings(Map<String, String> environment) {
    this.environment = Map.copyOf(environment);
  }

  /**
   * Wraps an environment.
   *
   * @param environment variables and their values, such as {@link System#getenv()}; copied
   * @return the settings in it
   */
  public static Settings of(Map<String, String> environment) {
    return new Settings(environment);
  }

  /**
   * Returns the value of a setting that is required or has a default.
   *
   * @param setting what to read
   * @param <T> the type of the value
   * @return the value, never null
   * @throws ConfigurationException if it is missing or malformed
   * @throws IllegalArgumentException if the setting is neither required nor has a default
   */
  public <T> T get(Setting<T> setting) {
    if (!setting.isRequired() && setting.defaultText().isEmpty()) {
      throw new IllegalArgumentException(setting + " is optional: use find");
    }
    return find(setting)
        .orElseThrow(() ->
            new ConfigurationException(
                "%s is not set: set it to %s (%s)."
                    .formatted(setting.name(), setting.expectation(), setting.meaning())));
  }

  /**
   * Returns the value of a setting, or its default.
   *
   * @param setting what to read
   * @param <T> the type of the value
   * @return the value; empty if it is not set and has no default
   * @throws ConfigurationException if it is malformed
   */
  public <T> Optional<T> find(Setting<T> setting) {
    String text = environment.getOrDefault(setting.name(), "");
    return (text.isEmpty() ? setting.defaultText() : Optional.of(text)).map(setting::parse);
  }

  /**
   * Tells whether the environment sets a variable, whatever its value is worth.
   *
   * @param setting what to look for
   * @return true if the variable is there and not empty
   */
  public boolean isSet(Setting<?> setting) {
    return !environment.getOrDefault(setting.name(), "").isEmpty();
  }

  /** Returns the names of all variables that are there, empty ones included. */
  public Set<String> names() {
    return environment.keySet();
  }
}

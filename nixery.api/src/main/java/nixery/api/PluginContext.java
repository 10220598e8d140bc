package nixery.api;

import java.nio.file.Path;
import java.util.Objects;

/**
 * What a plugin is given when it is opened.
 *
 * @param settings the configuration, from which the plugin reads the settings that it declared
 * @param cacheFolder an existing, writable folder of this plugin's own, kept between runs and
 *     shared with other server processes on this machine; what is in it can be lost at any time
 *     while no server runs. See {@link Scratch} for files that belong to one process.
 */
public record PluginContext(Settings settings, Path cacheFolder) {

  /** Checks that nothing is null. */
  public PluginContext {
    Objects.requireNonNull(settings);
    Objects.requireNonNull(cacheFolder);
  }
}

package nixery.api.source;

import nixery.api.ConfigurationException;
import nixery.api.Plugin;
import nixery.api.PluginContext;
import nixery.api.Setting;

/**
 * Opens one kind of package source. A plugin's module {@code provides} it; the server finds it with
 * {@link java.util.ServiceLoader} and selects it when its {@link #selector()} is set.
 */
public interface PackageSourceProvider extends Plugin {

  /**
   * Returns the setting, one of {@link #settings()}, whose presence selects this source. A server
   * has exactly one source; two selectors that are set are an error that names both.
   */
  Setting<?> selector();

  /**
   * Opens the source. Called once, before the server listens. Remote hosts need not be reachable
   * yet.
   *
   * @param context the settings and a folder for caches
   * @return the open source, which the server closes when it stops
   * @throws ConfigurationException if the settings are wrong
   */
  PackageSource open(PluginContext context);
}

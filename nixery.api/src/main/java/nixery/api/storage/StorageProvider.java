package nixery.api.storage;

import nixery.api.ConfigurationException;
import nixery.api.Plugin;
import nixery.api.PluginContext;

/**
 * Opens one kind of storage. A plugin's module {@code provides} it; the server finds it with {@link
 * java.util.ServiceLoader} and selects it when {@code NIXERY_STORAGE_BACKEND} is its {@link
 * #name()}.
 */
public interface StorageProvider extends Plugin {

  /**
   * Opens the storage. Called once, before the server listens. It should find out within a few
   * seconds whether the storage can be read and written.
   *
   * @param context the settings and a folder for caches
   * @return the open storage, which the server closes when it stops
   * @throws ConfigurationException if the settings are wrong, or the storage cannot be used with
   *     them
   */
  Storage open(PluginContext context);
}

package example.storage.flat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import nixery.api.ConfigurationException;
import nixery.api.Plugin;
import nixery.api.PluginContext;
import nixery.api.Setting;
import nixery.api.storage.Storage;
import nixery.api.storage.StorageProvider;

/** Opens flat storage in the folder that {@code FLAT_PATH} names. */
public final class FlatStorageProvider implements StorageProvider {

  // What is declared here is checked, documented by `nixery --help`, and read below.
  private static final Setting<Path> FLAT_PATH =
      Setting.path("FLAT_PATH", "folder for two flat folders with everything in them").required();

  /** For {@link java.util.ServiceLoader}, which needs a public constructor without parameters. */
  public FlatStorageProvider() {}

  @Override
  public int apiVersion() {
    return Plugin.API_VERSION; // copied into this class by the compiler
  }

  @Override
  public String name() {
    return "flat"; // the value of NIXERY_STORAGE_BACKEND that chooses this plugin
  }

  @Override
  public List<Setting<?>> settings() {
    return List.of(FLAT_PATH);
  }

  @Override
  public Storage open(PluginContext context) {
    Path folder = context.settings().get(FLAT_PATH);
    try {
      return new FlatStorage(folder);
    } catch (IOException e) {
      // Shown as it is: one sentence that names the setting and says what to do.
      throw new ConfigurationException(
          "FLAT_PATH is %s, where the server cannot write (%s): choose another folder."
              .formatted(folder, e),
          e);
    }
  }
}

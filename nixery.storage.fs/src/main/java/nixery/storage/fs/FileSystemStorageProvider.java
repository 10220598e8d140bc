package nixery.storage.fs;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import nixery.api.ConfigurationException;
import nixery.api.Plugin;
import nixery.api.PluginContext;
import nixery.api.Setting;
import nixery.api.storage.Storage;
import nixery.api.storage.StorageProvider;

/** Opens storage in the folder that {@code STORAGE_PATH} names, and makes the folder if need be. */
public final class FileSystemStorageProvider implements StorageProvider {

  private static final Setting<Path> STORAGE_PATH =
      Setting.path("STORAGE_PATH", "folder for layers, manifests and what is known about builds")
          .required();

  /** For {@link java.util.ServiceLoader}. */
  public FileSystemStorageProvider() {}

  @Override
  public int apiVersion() {
    return Plugin.API_VERSION;
  }

  @Override
  public String name() {
    return "filesystem";
  }

  @Override
  public List<Setting<?>> settings() {
    return List.of(STORAGE_PATH);
  }

  @Override
  public Storage open(PluginContext context) {
    Path folder = context.settings().get(STORAGE_PATH);
    try {
      return FileSystemStorage.open(folder);
    } catch (AtomicMoveNotSupportedException e) {
      throw new ConfigurationException(
          "STORAGE_PATH is %s, in which 'spool', 'objects' and 'records' are on different file systems: put them on one."
              .formatted(folder),
          e);
    } catch (FileAlreadyExistsException e) {
      throw new ConfigurationException(
          "STORAGE_PATH is %s, but %s is not a folder: choose another path, or move it away."
              .formatted(folder, e.getFile()),
          e);
    } catch (IOException e) {
      throw new ConfigurationException(
          "STORAGE_PATH is %s, where the server cannot write (%s): give its user the right to, or choose another folder."
              .formatted(folder, reason(e)),
          e);
    }
  }

  private static String reason(IOException e) {
    return switch (e) {
      case AccessDeniedException denied -> denied.getFile() + ": permission denied";
      case FileSystemException failed ->
          failed.getFile() + ": " + Optional.ofNullable(failed.getReason()).orElse(e.toString());
      default -> e.toString();
    };
  }
}

package nixery.source.path;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import nixery.api.ConfigurationException;
import nixery.api.Plugin;
import nixery.api.PluginContext;
import nixery.api.Setting;
import nixery.api.source.PackageSource;
import nixery.api.source.PackageSourceProvider;
import nixery.api.source.SourceException;

/** Opens the package set that {@code NIXERY_PKGS_PATH} names. */
public final class PathSourceProvider implements PackageSourceProvider {

  private static final Path NIX_STORE = Path.of("/nix/store");

  private static final Setting<Path> NIXERY_PKGS_PATH =
      Setting.path(
          "NIXERY_PKGS_PATH", "local package set: a .nix file or a folder with a default.nix");

  /** For {@link java.util.ServiceLoader}. */
  public PathSourceProvider() {}

  @Override
  public int apiVersion() {
    return Plugin.API_VERSION;
  }

  @Override
  public String name() {
    return "path";
  }

  @Override
  public List<Setting<?>> settings() {
    return List.of(NIXERY_PKGS_PATH);
  }

  @Override
  public Setting<?> selector() {
    return NIXERY_PKGS_PATH;
  }

  @Override
  public PackageSource open(PluginContext context) {
    Optional<Path> path = context.settings().find(NIXERY_PKGS_PATH);
    if (path.isEmpty()) {
      throw new ConfigurationException(
          "NIXERY_PKGS_PATH is not set: set it to the path of a package set.");
    }
    PathSource source = new PathSource(path.get(), NIX_STORE);
    try {
      source.check();
      return source;
    } catch (SourceException e) {
      throw new ConfigurationException(
          "NIXERY_PKGS_PATH must be the path of a .nix file or of a folder with a default.nix, not "
              + path.get()
              + ": "
              + e.getMessage()
              + ".",
          e);
    }
  }
}

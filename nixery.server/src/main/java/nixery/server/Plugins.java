package nixery.server;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import nixery.api.ConfigurationException;
import nixery.api.Plugin;
import nixery.api.Setting;
import nixery.api.Settings;
import nixery.api.source.PackageSourceProvider;
import nixery.api.storage.StorageProvider;

/**
 * The plugins of this runtime, sorted by name: those that were linked in, and those in the {@link
 * PluginsFolder}.
 *
 * @param storages all storage plugins
 * @param sources all package source plugins
 */
record Plugins(List<StorageProvider> storages, List<PackageSourceProvider> sources) {

  /** As {@link Plugin#name()} says. */
  private static final Pattern NAME = Pattern.compile("[a-z0-9]+(-[a-z0-9]+)*");

  /** Checks that names are unique and that all were built for this version of the interfaces. */
  Plugins {
    storages = checked("storage", storages);
    sources = checked("package source", sources);
  }

  /**
   * Finds all plugins.
   *
   * @throws ConfigurationException if one of them cannot be used
   */
  static Plugins find(Optional<Path> folder) {
    ModuleLayer runtime = Plugins.class.getModule().getLayer();
    List<ModuleLayer> layers = new ArrayList<>(List.of(runtime));
    folder.ifPresent(present -> layers.addAll(new PluginsFolder(runtime).layers(present)));
    return new Plugins(
        layers.stream().flatMap(layer -> providers(layer, StorageProvider.class)).toList(),
        layers.stream().flatMap(layer -> providers(layer, PackageSourceProvider.class)).toList());
  }

  private static <P extends Plugin> Stream<P> providers(ModuleLayer layer, Class<P> type) {
    try {
      return ServiceLoader.load(layer, type).stream()
          // Where there is a provider method, its type is all that is known beforehand.
          .filter(found -> found.type().isInterface() || isIn(layer, found.type()))
          .map(Plugins::instance)
          .filter(plugin -> isIn(layer, plugin.getClass()))
          .toList()
          .stream();
    } catch (ServiceConfigurationError e) {
      throw unloadable("A plugin among the modules " + names(layer), e);
    }
  }

  private static boolean isIn(ModuleLayer layer, Class<?> type) {
    return type.getModule().getLayer() == layer;
  }

  private static <P extends Plugin> P instance(ServiceLoader.Provider<P> provider) {
    try {
      return provider.get();
    } catch (ServiceConfigurationError e) {
      throw unloadable(provider.type(), e);
    }
  }

  private static String names(ModuleLayer layer) {
    return layer.modules().stream().map(Module::getName).sorted().collect(Collectors.joining(", "));
  }

  private static <P extends Plugin> List<P> checked(String kind, List<P> plugins) {
    Map<String, Plugin> names = new HashMap<>();
    for (Plugin plugin : plugins) {
      try {
        // First of all: what was built for another version may lack the other methods.
        if (plugin.apiVersion() != Plugin.API_VERSION) {
          throw new ConfigurationException(
              "The %s plugin in %s was built for version %d of the plugin interface, this server has %d: use a build of it for that."
                  .formatted(
                      kind, origin(plugin.getClass()), plugin.apiVersion(), Plugin.API_VERSION));
        }
        plugin.settings();
        if (!NAME.matcher(plugin.name()).matches()) {
          throw new ConfigurationException(
              "The %s plugin in %s has a name that is none, '%s': use a build of it that is mended."
                  .formatted(kind, origin(plugin.getClass()), plugin.name()));
        }
        Plugin other = names.put(plugin.name(), plugin);
        if (other != null) {
          throw new ConfigurationException(
              "There are two %s plugins called '%s', in %s and in %s: remove one of them."
                  .formatted(
                      kind, plugin.name(), origin(other.getClass()), origin(plugin.getClass())));
        }
      } catch (ConfigurationException e) {
        throw e;
      } catch (RuntimeException | LinkageError e) {
        throw unloadable(plugin.getClass(), e);
      }
    }
    return plugins.stream().sorted(Comparator.comparing(Plugin::name)).toList();
  }

  /** Says that a plugin fails, or does not fit the classes that it finds here. */
  static ConfigurationException unloadable(Class<?> plugin, Throwable error) {
    return unloadable("The plugin in " + origin(plugin), error);
  }

  private static ConfigurationException unloadable(String plugin, Throwable error) {
    Throwable reason =
        error instanceof ServiceConfigurationError && error.getCause() != null
            ? error.getCause()
            : error;
    return new ConfigurationException(
        "%s cannot be loaded (%s): use a build of it for this version of the server, or remove it."
            .formatted(plugin, reason.toString().replaceFirst("\\.$", "")),
        error);
  }

  /** Says where a plugin comes from: a module of the runtime, or one in a jar. */
  private static String origin(Class<?> plugin) {
    Module module = plugin.getModule();
    return Optional.ofNullable(module.getLayer())
        .flatMap(layer -> layer.configuration().findModule(module.getName()))
        .flatMap(resolved -> resolved.reference().location())
        .filter(location -> location.getScheme().equals("file"))
        .map(Path::of)
        .map(jar -> "module %s (%s)".formatted(module.getName(), jar))
        .orElse("module %s of this runtime".formatted(module.getName()));
  }

  /**
   * Returns the storage plugin that the settings ask for, or the only one.
   *
   * @throws ConfigurationException if that cannot be told, or a setting that it needs is missing
   */
  StorageProvider storage(Settings settings) {
    Optional<String> wanted = settings.find(ServerSettings.STORAGE_BACKEND);
    if (wanted.isEmpty() && storages.size() == 1) {
      return configured("storage", storages.getFirst(), settings);
    }
    return storages.stream()
        .filter(plugin -> wanted.equals(Optional.of(plugin.name())))
        .findFirst()
        .map(plugin -> configured("storage", plugin, settings))
        .orElseThrow(() ->
            new ConfigurationException(
                wanted
                        .map(name -> "There is no storage plugin '" + name + "': set ")
                        .orElse("No storage plugin is chosen: set ")
                    + ServerSettings.STORAGE_BACKEND
                    + " to one of those in this runtime ("
                    + list(storages.stream().map(Plugin::name))
                    + ")."));
  }

  /**
   * Returns the package source plugin whose selector is set.
   *
   * @throws ConfigurationException if none or more than one is, or a setting that it needs is
   *     missing
   */
  PackageSourceProvider source(Settings settings) {
    List<PackageSourceProvider> selected =
        sources.stream().filter(plugin -> settings.isSet(plugin.selector())).toList();
    if (selected.size() > 1) {
      throw new ConfigurationException(
          "More than one package source is chosen: unset all but one of "
              + list(selected.stream().map(plugin -> plugin.selector().name()))
              + ".");
    }
    if (selected.isEmpty()) {
      throw new ConfigurationException(
          "No package source is chosen: set one of those in this runtime ("
              + list(
                  sources.stream()
                      .map(plugin -> plugin.selector().name() + ", " + plugin.selector().meaning()))
              + ").");
    }
    return configured("package source", selected.getFirst(), settings);
  }

  private static <P extends Plugin> P configured(String kind, P plugin, Settings settings) {
    for (Setting<?> setting : plugin.settings()) {
      if (setting.isRequired() && !settings.isSet(setting)) {
        throw new ConfigurationException(
            "The %s plugin '%s' needs %s, which is not set: set it to %s (%s)."
                .formatted(kind, plugin.name(), setting, setting.expectation(), setting.meaning()));
      }
    }
    return plugin;
  }

  private static String list(Stream<String> items) {
    String joined = items.collect(Collectors.joining("; "));
    return joined.isEmpty() ? "there are none" : joined;
  }

  /** Returns all plugins. */
  Stream<Plugin> all() {
    return Stream.concat(storages.stream(), sources.stream());
  }

  /** Returns every setting that anything in this runtime reads. */
  List<Setting<?>> settings() {
    return Stream.concat(
            ServerSettings.all().stream(), all().flatMap(plugin -> plugin.settings().stream()))
        .toList();
  }
}

package nixery.server;

import java.io.IOException;
import java.lang.module.Configuration;
import java.lang.module.FindException;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.lang.module.ResolutionException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import nixery.api.ConfigurationException;
import nixery.api.Plugin;
import nixery.api.Setting;
import nixery.api.Settings;
import nixery.api.source.PackageSourceProvider;
import nixery.api.storage.StorageProvider;

/**
 * The plugins of this runtime, sorted by name: those that were linked in, and those in the plugins
 * folder. The jars that lie in one folder form a module layer of their own on top of the runtime's
 * modules; each sub-folder forms another, so that plugins with different versions of a library can
 * live side by side.
 *
 * @param storages all storage plugins
 * @param sources all package source plugins
 */
record Plugins(List<StorageProvider> storages, List<PackageSourceProvider> sources) {

  /** Checks that names are unique and that all were built for this version of the interfaces. */
  Plugins {
    storages = sorted(storages);
    sources = sorted(sources);
    check("storage", storages);
    check("package source", sources);
  }

  /**
   * Finds all plugins.
   *
   * @throws ConfigurationException if one of them cannot be used
   */
  static Plugins find(Optional<Path> folder) {
    List<StorageProvider> storages = new ArrayList<>();
    List<PackageSourceProvider> sources = new ArrayList<>();
    List<ModuleLayer> layers = new ArrayList<>(List.of(Plugins.class.getModule().getLayer()));
    folder.ifPresent(present -> layers.addAll(layers(present)));
    for (ModuleLayer layer : layers) {
      int before = storages.size() + sources.size();
      storages.addAll(providers(layer, StorageProvider.class));
      sources.addAll(providers(layer, PackageSourceProvider.class));
      if (storages.size() + sources.size() == before && layer != layers.getFirst()) {
        throw new ConfigurationException(
            "The jars with the modules "
                + names(layer)
                + " in the plugins folder provide no plugin: remove them.");
      }
    }
    return new Plugins(storages, sources);
  }

  private static String names(ModuleLayer layer) {
    return layer.modules().stream().map(Module::getName).sorted().collect(Collectors.joining(", "));
  }

  private static <P extends Plugin> List<P> providers(ModuleLayer layer, Class<P> type) {
    try {
      return ServiceLoader.load(layer, type).stream()
          .map(ServiceLoader.Provider::get)
          .filter(plugin -> plugin.getClass().getModule().getLayer() == layer)
          .toList();
    } catch (ServiceConfigurationError | LinkageError e) {
      throw new ConfigurationException(
          "A plugin among the modules "
              + names(layer)
              + " cannot be loaded ("
              + e.getMessage()
              + "): use one that was built for this version of the server.",
          e);
    }
  }

  private static List<ModuleLayer> layers(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new ConfigurationException(
          "NIXERY_PLUGINS is no folder: make %s or unset the variable.".formatted(folder));
    }
    try (Stream<Path> entries = Files.list(folder)) {
      List<Path> folders =
          Stream.concat(Stream.of(folder), entries.filter(Files::isDirectory).sorted()).toList();
      return folders.stream().flatMap(each -> layer(each).stream()).toList();
    } catch (IOException e) {
      throw new ConfigurationException("The plugins folder cannot be read: " + folder, e);
    }
  }

  private static Optional<ModuleLayer> layer(Path folder) {
    try (Stream<Path> entries = Files.list(folder)) {
      Path[] jars =
          entries.filter(file -> file.toString().endsWith(".jar")).sorted().toArray(Path[]::new);
      ModuleFinder finder = ModuleFinder.of(jars);
      Set<ModuleReference> modules = finder.findAll();
      for (ModuleReference module : modules) {
        if (module.descriptor().isAutomatic()) {
          throw new ConfigurationException(
              "%s in the plugins folder has no module-info: fold it into the plugin's module."
                  .formatted(module.location().map(Object::toString).orElse("A jar")));
        }
      }
      if (modules.isEmpty()) {
        return Optional.empty();
      }
      Set<String> roots =
          modules.stream()
              .map(module -> module.descriptor().name())
              .collect(Collectors.toCollection(TreeSet::new));
      ModuleLayer parent = Plugins.class.getModule().getLayer();
      Configuration configuration =
          parent.configuration().resolve(ModuleFinder.of(), finder, roots);
      return Optional.of(
          parent.defineModulesWithOneLoader(configuration, ClassLoader.getSystemClassLoader()));
    } catch (FindException | ResolutionException | LayerInstantiationException e) {
      throw new ConfigurationException(
          "The plugins folder %s cannot be loaded (%s): replace or remove the jar."
              .formatted(folder, e.getMessage()),
          e);
    } catch (IOException e) {
      throw new ConfigurationException("The plugins folder cannot be read: " + folder, e);
    }
  }

  private static <P extends Plugin> List<P> sorted(List<P> plugins) {
    return plugins.stream().sorted(Comparator.comparing(Plugin::name)).toList();
  }

  private static void check(String kind, List<? extends Plugin> plugins) {
    Set<String> names = new TreeSet<>();
    for (Plugin plugin : plugins) {
      if (plugin.apiVersion() != Plugin.API_VERSION) {
        throw new ConfigurationException(
            "The %s plugin '%s' was built for version %d of the plugin interface, this server has %d: use a build of the plugin for that."
                .formatted(kind, plugin.name(), plugin.apiVersion(), Plugin.API_VERSION));
      }
      if (!names.add(plugin.name())) {
        throw new ConfigurationException(
            "There are two %s plugins called '%s': remove one of them."
                .formatted(kind, plugin.name()));
      }
    }
  }

  /**
   * Returns the storage plugin that the settings ask for, or the only one.
   *
   * @throws ConfigurationException if that cannot be told
   */
  StorageProvider storage(Settings settings) {
    Optional<String> wanted = settings.find(ServerSettings.STORAGE_BACKEND);
    if (wanted.isEmpty() && storages.size() == 1) {
      return storages.getFirst();
    }
    return storages.stream()
        .filter(plugin -> wanted.equals(Optional.of(plugin.name())))
        .findFirst()
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
   * @throws ConfigurationException if none or more than one is
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
    return selected.getFirst();
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

package nixery.server;

import java.io.IOException;
import java.lang.module.Configuration;
import java.lang.module.FindException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.lang.module.ResolutionException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import nixery.api.ConfigurationException;
import nixery.api.source.PackageSourceProvider;
import nixery.api.storage.StorageProvider;

/**
 * The folder for plugins that were not linked in. The jars that lie in one folder form a module
 * layer of their own on top of the runtime's modules; each sub-folder forms another, so that
 * plugins with different versions of a library can live side by side. Where the runtime has a
 * library already, that is the one that the plugin gets.
 */
final class PluginsFolder {

  private static final Set<String> SERVICES =
      Set.of(StorageProvider.class.getName(), PackageSourceProvider.class.getName());

  private final ModuleLayer runtime;

  /**
   * Prepares to load plugins.
   *
   * @param runtime the modules that were linked in
   */
  PluginsFolder(ModuleLayer runtime) {
    this.runtime = runtime;
  }

  /**
   * Loads all jars. Every layer has a plugin.
   *
   * @throws ConfigurationException if one of them cannot be used
   */
  List<ModuleLayer> layers(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new ConfigurationException(
          "%s is no folder: make %s or unset the variable."
              .formatted(ServerSettings.PLUGINS, folder));
    }
    try (Stream<Path> entries = Files.list(folder)) {
      List<Path> folders =
          Stream.concat(Stream.of(folder), entries.filter(Files::isDirectory).sorted()).toList();
      return folders.stream().flatMap(each -> layer(each).stream()).toList();
    } catch (IOException e) {
      throw unreadable(folder, e);
    }
  }

  private Optional<ModuleLayer> layer(Path folder) {
    Map<String, Path> jars = jars(folder);
    if (jars.isEmpty()) {
      return Optional.empty();
    }
    try {
      Configuration configuration =
          runtime
              .configuration()
              .resolve(
                  ModuleFinder.of(),
                  ModuleFinder.of(jars.values().toArray(Path[]::new)),
                  jars.keySet());
      return Optional.of(
          runtime.defineModulesWithOneLoader(configuration, ClassLoader.getSystemClassLoader()));
    } catch (FindException | ResolutionException | LayerInstantiationException e) {
      throw new ConfigurationException(
          "The plugins in %s cannot be loaded (%s): add the module that is missing, or remove what does not fit."
              .formatted(folder, e.getMessage()),
          e);
    }
  }

  /** Returns the jars of one folder by the names of their modules. */
  private Map<String, Path> jars(Path folder) {
    Map<String, Path> jars = new TreeMap<>();
    boolean plugins = false;
    for (Path jar : list(folder)) {
      ModuleDescriptor module = module(jar);
      Path other = jars.put(module.name(), jar);
      if (other != null) {
        throw new ConfigurationException(
            "%s and %s are both module %s: remove one of them."
                .formatted(other, jar.getFileName(), module.name()));
      }
      if (isPlugin(module)) {
        plugins = true;
        if (runtime.configuration().findModule(module.name()).isPresent()) {
          throw new ConfigurationException(
              "%s is module %s, which is linked into this runtime already: remove the jar, or link a runtime without the module."
                  .formatted(jar, module.name()));
        }
      }
    }
    if (!jars.isEmpty() && !plugins) {
      throw new ConfigurationException(
          "No module in %s (%s) provides a plugin: remove them, or have the module-info of one of them say what it provides."
              .formatted(folder, String.join(", ", jars.keySet())));
    }
    return jars;
  }

  private static List<Path> list(Path folder) {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.filter(file -> file.toString().endsWith(".jar")).sorted().toList();
    } catch (IOException e) {
      throw unreadable(folder, e);
    }
  }

  private static ModuleDescriptor module(Path jar) {
    try {
      ModuleDescriptor module =
          ModuleFinder.of(jar).findAll().stream()
              .map(ModuleReference::descriptor)
              .findFirst()
              .orElseThrow(() -> new FindException("it is empty"));
      if (module.isAutomatic()) {
        throw new ConfigurationException(
            "%s has no module-info: fold it into the module of the plugin that needs it."
                .formatted(jar));
      }
      return module;
    } catch (FindException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new ConfigurationException(
          "%s is no module that this server can load (%s): replace or remove it."
              .formatted(jar, cause.getMessage()),
          e);
    }
  }

  private static boolean isPlugin(ModuleDescriptor module) {
    return module.provides().stream().anyMatch(provides -> SERVICES.contains(provides.service()));
  }

  private static ConfigurationException unreadable(Path folder, IOException cause) {
    return new ConfigurationException(
        "The plugins folder %s cannot be read: give the server's user the right to."
            .formatted(folder),
        cause);
  }
}

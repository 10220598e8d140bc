package nixery.server;

import io.helidon.webserver.http.HttpService;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import nixery.api.ConfigurationException;
import nixery.api.Plugin;
import nixery.api.PluginContext;
import nixery.api.Scratch;
import nixery.api.Setting;
import nixery.api.Settings;
import nixery.api.source.PackageSource;
import nixery.api.storage.Storage;
import nixery.api.storage.StorageProvider;
import nixery.image.Architecture;
import nixery.image.Codec;
import nixery.image.CodecException;
import nixery.image.ImageConfig;
import nixery.image.LayerPacker;
import nixery.image.Popularity;
import nixery.server.build.BuildConfig;
import nixery.server.build.Catalogue;
import nixery.server.build.ImageService;
import nixery.server.build.Images;
import nixery.server.build.PlatformCatalogue;
import nixery.server.build.PlatformImages;
import nixery.server.metrics.MeteredStorage;
import nixery.server.metrics.Metrics;
import nixery.server.nix.Nix;
import nixery.server.nix.NixConfig;
import nixery.server.popularity.PopularityAddress;
import nixery.server.popularity.PopularityFeed;
import nixery.server.progress.Builds;
import nixery.server.progress.Redaction;
import nixery.server.registry.RegistryConfig;
import nixery.server.registry.RegistryServer;
import nixery.server.web.Operations;
import nixery.server.web.Probe;
import nixery.server.web.StorageTrial;
import nixery.server.web.pages.Pages;

/**
 * What makes images, and the server if there is one: everything that was opened, to be closed in
 * reverse order.
 */
final class Nixery implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(Nixery.class.getName());

  /** How much longer a request may take than the build that it waits for. */
  private static final Duration ANSWERING = Duration.ofSeconds(5);

  /** How long the start waits for popularity data. */
  private static final Duration POPULARITY_PATIENCE = Duration.ofSeconds(5);

  private final Deque<AutoCloseable> opened = new ArrayDeque<>();
  private final AtomicBoolean stopping = new AtomicBoolean();
  private Optional<Serving> serving = Optional.empty();
  private Optional<Images> images = Optional.empty();
  private Supplier<String> announcement = () -> "";
  private int port;

  private Nixery() {}

  /**
   * Opens everything and begins to listen.
   *
   * @throws ConfigurationException if it cannot; nothing is left open then
   */
  static Nixery start(Settings settings, Plugins plugins) {
    Nixery nixery = new Nixery();
    try {
      nixery.serve(settings, plugins);
      return nixery;
    } catch (RuntimeException e) {
      nixery.close();
      throw e;
    }
  }

  /**
   * Opens what makes images, and no server. Layers are kept in the storage that the settings choose
   * with {@code NIXERY_STORAGE_BACKEND}; without it, in a scratch folder until this is closed.
   *
   * @param image how images are to be run
   * @throws ConfigurationException if it cannot; nothing is left open then
   */
  static Nixery withoutServer(Settings settings, Plugins plugins, ImageConfig image) {
    Nixery nixery = new Nixery();
    try {
      Optional<StorageProvider> storage =
          settings.isSet(ServerSettings.STORAGE_BACKEND)
              ? Optional.of(plugins.storage(settings))
              : Optional.empty();
      Pipeline pipeline = nixery.open(settings, plugins, storage, image);
      result(pipeline.nixVersion);
      nixery.images = Optional.of(pipeline.images);
      return nixery;
    } catch (RuntimeException e) {
      nixery.close();
      throw e;
    }
  }

  /** What makes images. */
  private record Pipeline(
      Metrics metrics,
      Storage storage,
      PackageSource source,
      Nix nix,
      Future<String> nixVersion,
      Codec codec,
      ImageService service,
      Images images,
      Builds builds) {}

  private Pipeline open(
      Settings settings,
      Plugins plugins,
      Optional<StorageProvider> storagePlugin,
      ImageConfig image) {
    warnOfUnknown(settings, plugins);
    // All that can be checked at once is checked before anything is opened.
    ServerSettings.all().forEach(settings::find);
    popularityAddress(settings);
    Path cache = cacheFolder(settings);
    var sourcePlugin = plugins.source(settings);

    NixConfig nixConfig = nixConfig(settings, plugins, cache);
    Nix nix = keep(new Nix(nixConfig));
    // Takes about as long as all that is opened here, and runs beside it.
    FutureTask<String> nixCheck = new FutureTask<>(nix::check);
    Thread checking = Thread.ofVirtual().name("nix-check").start(nixCheck);
    keep(() -> {
      nixCheck.cancel(true);
      checking.join();
    });
    Metrics metrics = new Metrics(Main.number());
    Storage storage =
        keep(
            storagePlugin
                .map(plugin ->
                    withLoaderOf(
                        plugin,
                        () -> plugin.open(context(settings, cache.resolve("storage"), plugin))))
                .orElseGet(() -> new ScratchStorage(scratch(cache.resolve("spool")))));
    PackageSource source =
        keep(
            withLoaderOf(
                sourcePlugin,
                () -> sourcePlugin.open(context(settings, cache.resolve("source"), sourcePlugin))));
    int processors = Runtime.getRuntime().availableProcessors();
    Codec codec = ServerSettings.codec(settings);
    LayerPacker packer = keep(new LayerPacker(nixConfig.storeRoot(), codec, processors));
    BuildConfig buildConfig =
        new BuildConfig(
            settings.find(ServerSettings.MAX_BUILDS).orElse(processors),
            settings.get(ServerSettings.LAYERS),
            settings.get(ServerSettings.LAYERING).strategy(),
            popularity(settings, cache.resolve("popularity"), metrics),
            image,
            nixConfig.storeRoot(),
            storage.spool().orElseGet(() -> keep(scratch(cache.resolve("spool"))).folder()),
            settings.get(ServerSettings.LEASE),
            settings.get(ServerSettings.TRUST));
    Storage metered = new MeteredStorage(storage, metrics);
    Builds builds =
        new Builds(
            settings.get(ServerSettings.PAGES) && settings.get(ServerSettings.PAGES_LOGS),
            redaction(settings, plugins));
    ImageService service =
        keep(new ImageService(source, nix, metered, packer, buildConfig, metrics, builds));
    Images images =
        settings
            .find(ServerSettings.PLATFORMS)
            .<Images>map(platforms -> new PlatformImages(service, service::keep, platforms))
            .orElse(service);
    return new Pipeline(metrics, storage, source, nix, nixCheck, codec, service, images, builds);
  }

  private void serve(Settings settings, Plugins plugins) {
    StorageProvider storagePlugin = plugins.storage(settings);
    Pipeline pipeline =
        open(
            settings,
            plugins,
            Optional.of(storagePlugin),
            ImageConfig.builder(Architecture.AMD64).build());
    RegistryServer registry =
        keep(
            new RegistryServer(
                pipeline.images,
                registryConfig(settings),
                pipeline.metrics,
                services(settings, pipeline, stopping)));
    String nixVersion = result(pipeline.nixVersion);
    registry.start();
    long uptime = ManagementFactory.getRuntimeMXBean().getUptime();
    // Closed before the registry, too, which then tells those who wait to come back later.
    keep(pipeline.service);
    serving =
        Optional.of(
            new Serving(
                registry,
                pipeline.service,
                stopping,
                settings.get(ServerSettings.DRAIN),
                settings.get(ServerSettings.GRACE)));
    port = registry.port();
    announcement =
        () -> {
          LOG.log(
              System.Logger.Level.INFO, "listens {0} ms after the start", Long.toString(uptime));
          tryCodec(pipeline.codec);
          LOG.log(
              System.Logger.Level.INFO,
              "{0} serves {1} from {2} storage with Nix {3}, {4}",
              Main.version(),
              pipeline.source.identity(),
              storagePlugin.name(),
              nixVersion,
              pipeline.codec);
          return "Nixery listens on port %1$d. Try this:%ndocker pull localhost:%1$d/shell/git"
              .formatted(port);
        };
  }

  /** Takes the codec's fingerprint, which is for the log and needed by the first layer. */
  private static void tryCodec(Codec codec) {
    try {
      codec.id();
    } catch (CodecException e) {
      throw ServerSettings.unusable(codec.compression(), e);
    }
  }

  private static RegistryConfig registryConfig(Settings settings) {
    RegistryConfig defaults =
        new RegistryConfig(settings.get(ServerSettings.HOST), settings.get(ServerSettings.PORT));
    int requests = settings.get(ServerSettings.MAX_REQUESTS);
    return new RegistryConfig(
        defaults.host(),
        defaults.port(),
        settings.get(ServerSettings.GRACE).plus(ANSWERING),
        defaults.stall(),
        // Those who are told to come back later need a connection, too.
        Math.max(defaults.maxConnections(), 2 * requests),
        requests);
  }

  private Supplier<Popularity> popularity(Settings settings, Path folder, Metrics metrics) {
    Optional<PopularityAddress> address = popularityAddress(settings);
    if (address.isEmpty()) {
      return Popularity::none;
    }
    try {
      return keep(
          PopularityFeed.start(
              address.get(),
              settings.get(ServerSettings.POPULARITY_REFRESH),
              folder,
              POPULARITY_PATIENCE,
              metrics));
    } catch (IOException e) {
      throw unusable(folder, e);
    }
  }

  private static Optional<PopularityAddress> popularityAddress(Settings settings) {
    return settings
        .find(ServerSettings.POPULARITY_URL)
        .map(text -> PopularityAddress.parse(ServerSettings.POPULARITY_URL.name(), text));
  }

  /** Returns what takes the values of all secret settings out of what is shown. */
  private static Redaction redaction(Settings settings, Plugins plugins) {
    return new Redaction(
        plugins.settings().stream()
            .filter(Setting::isSecret)
            .flatMap(setting -> settings.find(setting).stream())
            .map(Object::toString)
            .toList());
  }

  /** Returns what there is beside the registry. */
  private static HttpService[] services(
      Settings settings, Pipeline pipeline, AtomicBoolean stopping) {
    List<HttpService> services = new ArrayList<>();
    services.add(
        new Operations(pipeline.metrics, probes(pipeline.storage, pipeline.nix), stopping::get));
    if (settings.get(ServerSettings.PAGES)) {
      services.add(
          new Pages(
              settings
                  .find(ServerSettings.PLATFORMS)
                  .<Catalogue>map(
                      platforms -> new PlatformCatalogue(pipeline.service.catalogue(), platforms))
                  .orElse(pipeline.service.catalogue()),
              pipeline.builds,
              settings.get(ServerSettings.PAGES_LOGS)));
    }
    return services.toArray(HttpService[]::new);
  }

  private static List<Probe> probes(Storage storage, Nix nix) {
    return List.of(
        new Probe(
            "storage",
            "The storage cannot be used; the log says why.",
            Duration.ofSeconds(5),
            new StorageTrial(storage)),
        new Probe(
            "nix", "Nix cannot be run; the log says why.", Duration.ofMinutes(1), nix::check));
  }

  private static <V> V result(Future<V> check) {
    try {
      return check.get();
    } catch (InterruptedException e) {
      throw new AssertionError("nobody interrupts the main thread", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof ConfigurationException unusable) {
        throw unusable;
      }
      throw new IllegalStateException("cannot start", e.getCause());
    }
  }

  private <C extends AutoCloseable> C keep(C resource) {
    opened.push(resource);
    return resource;
  }

  /** Libraries inside plugins look for services with the context class loader. */
  private static <V> V withLoaderOf(Plugin plugin, Supplier<V> work) {
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    thread.setContextClassLoader(plugin.getClass().getClassLoader());
    try {
      return work.get();
    } catch (ConfigurationException e) {
      throw e;
    } catch (RuntimeException | LinkageError e) {
      throw Plugins.unloadable(plugin.getClass(), e);
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  private static void warnOfUnknown(Settings settings, Plugins plugins) {
    Set<String> known = plugins.settings().stream().map(Setting::name).collect(Collectors.toSet());
    settings.names().stream()
        .filter(name -> name.startsWith("NIXERY_") && !known.contains(name))
        .sorted()
        .forEach(
            name -> LOG.log(System.Logger.Level.WARNING, "{0} is set but nothing reads it", name));
  }

  private static Path cacheFolder(Settings settings) {
    Path folder =
        settings
            .find(ServerSettings.CACHE)
            .or(() ->
                settings.find(ServerSettings.XDG_CACHE_HOME).map(xdg -> xdg.resolve("nixery")))
            .orElseGet(() -> Path.of(System.getProperty("user.home"), ".cache", "nixery"));
    return writable(folder);
  }

  private static Path writable(Path folder) {
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw unusable(folder, e);
    }
    if (!Files.isWritable(folder)) {
      throw unusable(folder, null);
    }
    return folder;
  }

  private static ConfigurationException unusable(Path folder, IOException cause) {
    return new ConfigurationException(
        "The cache folder %s cannot be written: make it writable or set %s to another."
            .formatted(folder, ServerSettings.CACHE),
        cause);
  }

  private static Scratch scratch(Path parent) {
    try {
      return Scratch.open(parent);
    } catch (IOException e) {
      throw unusable(parent, e);
    }
  }

  private static PluginContext context(Settings settings, Path cache, Plugin plugin) {
    return new PluginContext(settings, writable(cache.resolve(plugin.name())));
  }

  private static NixConfig nixConfig(Settings settings, Plugins plugins, Path cache) {
    Set<String> secrets =
        plugins.settings().stream()
            .filter(Setting::isSecret)
            .map(Setting::name)
            .collect(Collectors.toCollection(TreeSet::new));
    return new NixConfig(
        settings.find(ServerSettings.NIX_BIN),
        settings
            .find(ServerSettings.NIX_ROOT)
            .or(() ->
                settings
                    .find(ServerSettings.NIX_REMOTE)
                    .filter(remote -> remote.startsWith("/"))
                    .map(Path::of))
            .orElse(Path.of("/")),
        settings.get(ServerSettings.EVAL_TIMEOUT),
        settings.get(ServerSettings.NIX_TIMEOUT),
        secrets,
        Map.of(),
        cache.resolve("roots"));
  }

  /** Returns the images that can be made. */
  Images images() {
    return images.orElseThrow();
  }

  /** Returns the port that the server listens on. */
  int port() {
    return port;
  }

  /**
   * Tells the log what serves, which takes a moment, and returns what to print then.
   *
   * @throws ConfigurationException if layers cannot be compressed
   */
  String announce() {
    return announcement.get();
  }

  /** Stops serving as {@link Serving#stop} says, and closes what was opened. */
  @Override
  public synchronized void close() {
    serving.ifPresent(Serving::stop);
    serving = Optional.empty();
    while (!opened.isEmpty()) {
      try {
        opened.pop().close();
      } catch (Exception e) {
        LOG.log(System.Logger.Level.WARNING, "cannot stop properly", e);
      }
    }
  }
}

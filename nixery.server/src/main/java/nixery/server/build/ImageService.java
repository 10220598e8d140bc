package nixery.server.build;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import nixery.api.source.PackageSource;
import nixery.api.source.ResolvedTag;
import nixery.api.storage.Delivery;
import nixery.api.storage.Storage;
import nixery.api.storage.StoredObject;
import nixery.image.Digest;
import nixery.image.Document;
import nixery.image.LayerPacker;
import nixery.image.MediaTypes;
import nixery.image.Popularity;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import nixery.server.metrics.Cache;
import nixery.server.metrics.Metrics;
import nixery.server.metrics.Phase;
import nixery.server.nix.Nix;
import nixery.server.nix.Resolved;
import nixery.server.progress.Build;
import nixery.server.progress.Builds;

/**
 * Makes images and keeps them in a storage. From cheapest to dearest, an image comes from the
 * record of its name in a revision, without Nix; from the record of its outputs, after evaluation;
 * or from a build, which packs only the layers that are missing.
 *
 * <p>Equal requests share one build. A build goes on when nobody waits for it any more, so that a
 * client that comes back finds it done. Thread-safe.
 */
public final class ImageService implements Images, AutoCloseable {

  private static final System.Logger LOG = System.getLogger(ImageService.class.getName());

  /** How many builds may wait for their turn. */
  private static final int MAX_WAITING = 200;

  /** For how long a request that failed is answered the same without trying again. */
  private static final Duration FAILURES_LAST = Duration.ofSeconds(3);

  private final Metrics metrics;
  private final Builds builds;
  private final PackageSource source;
  private final ImageStore store;
  private final Leases leases;
  private final BuildConfig config;
  private final Keys keys;
  private final List<String> forms;
  private final PackageResolver resolver;
  private final ImageBuilder builder;
  private final Semaphore permits;
  private final RecentImages recent = new RecentImages();
  private final Catalogue catalogue;
  private final AtomicReference<Optional<String>> lastWarning =
      new AtomicReference<>(Optional.empty());
  private final AtomicInteger waiting = new AtomicInteger();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final SingleFlight<Request, Image> flights = new SingleFlight<>(threads, FAILURES_LAST);

  /** What makes two requests equal. */
  private record Request(ImageName name, ResolvedTag tag) {}

  /**
   * Puts the stages together.
   *
   * @param source where package sets come from
   * @param nix evaluates and builds
   * @param storage keeps what is made
   * @param packer writes layers
   * @param config the rest
   * @param metrics gets what is measured
   * @param builds shows what goes on
   */
  public ImageService(
      PackageSource source,
      Nix nix,
      Storage storage,
      LayerPacker packer,
      BuildConfig config,
      Metrics metrics,
      Builds builds) {
    this.metrics = metrics;
    this.builds = builds;
    this.source = source;
    this.store = new ImageStore(storage);
    this.leases = new Leases(storage, config.leaseDuration());
    this.config = config;
    this.keys = new Keys(config, packer);
    this.forms =
        packer.compression().dockerLayerType().isPresent()
            ? List.of(MediaTypes.DOCKER_MANIFEST, MediaTypes.OCI_MANIFEST)
            : List.of(MediaTypes.OCI_MANIFEST);
    this.resolver = new PackageResolver(source, nix, store, metrics);
    this.builder = new ImageBuilder(config, keys, nix, store, leases, packer, metrics);
    this.permits = new Semaphore(config.maxBuilds(), true);
    this.catalogue =
        new ImageCatalogue(
            this,
            new ImageCatalogue.Library(
                source.identity(),
                this::resolve,
                keys,
                store,
                resolver,
                recent,
                config.popularity()),
            permits,
            builds,
            threads);
    metrics.observeBuilds(() -> config.maxBuilds() - permits.availablePermits(), waiting::get);
  }

  @Override
  public List<String> forms(String repository) {
    return forms;
  }

  @Override
  public Image image(String repository, String tag) {
    ImageName name = ImageName.parse(repository);
    ResolvedTag resolved = resolve(tag);
    Image image =
        flights.get(
            new Request(name, resolved), () -> Translation.failures(() -> find(name, resolved)));
    recent.served(name, tag, image);
    return image;
  }

  private ResolvedTag resolve(String tag) {
    ResolvedTag resolved =
        metrics.time(Phase.RESOLVE_TAG, () -> Translation.failures(() -> source.resolve(tag)));
    resolved.warning().ifPresent(_ -> metrics.sourceWarned());
    logOnce(resolved.warning());
    return resolved;
  }

  /** Returns what is known of images without building them. */
  public Catalogue catalogue() {
    return catalogue;
  }

  /** Logs a warning of the source when it comes up, not with every request while it lasts. */
  private void logOnce(Optional<String> warning) {
    if (!lastWarning.getAndSet(warning).equals(warning)) {
      warning.ifPresent(text -> LOG.log(System.Logger.Level.WARNING, text));
    }
  }

  private Image find(ImageName name, ResolvedTag tag) {
    Popularity popularity = config.popularity().get();
    Optional<Digest> key =
        tag.revision().map(revision -> keys.image(source.identity(), revision, name, popularity));
    return key.map(present ->
            leases.findOrMake(
                "image-" + present.hex(),
                () -> metrics.looked(Cache.REVISION, store.findImage(present)),
                () -> {
                  metrics.missed(Cache.REVISION);
                  return build(name, tag, popularity, key);
                }))
        .orElseGet(() -> build(name, tag, popularity, key));
  }

  private Image build(
      ImageName name, ResolvedTag tag, Popularity popularity, Optional<Digest> otherKey) {
    return builds.run(
        name.toString(),
        tag.tag(),
        build ->
            Metrics.telling(
                build,
                () ->
                    metrics.build(() ->
                        Translation.failures(
                            () -> inTurn(() -> make(name, tag, popularity, otherKey, build))))));
  }

  private Image make(
      ImageName name,
      ResolvedTag tag,
      Popularity popularity,
      Optional<Digest> otherKey,
      Build progress)
      throws InterruptedException {
    List<Resolved.Found> packages = resolver.resolve(name, tag);
    progress.evaluated(packages.size());
    Optional<Image> known =
        metrics.looked(
            Cache.OUTPUTS,
            store.findImage(keys.image(name, ImageBuilder.outputs(packages), popularity)));
    List<Resolved.Found> realisable =
        known.isPresent() ? packages : resolver.realisable(packages, name, tag);
    Digest key = keys.image(name, ImageBuilder.outputs(realisable), popularity);
    Image image =
        known.orElseGet(() ->
            leases.findOrMake(
                "image-" + key.hex(),
                () -> metrics.looked(Cache.OUTPUTS, store.findImage(key)),
                () -> {
                  metrics.missed(Cache.OUTPUTS);
                  return Interruptible.run(
                      () -> builder.build(key, name, realisable, popularity, progress));
                }));
    otherKey.ifPresent(other -> store.alias(key, other));
    return image;
  }

  /** Does the work when fewer than so many others are at it. */
  private <V> V inTurn(Interruptible<V> work) {
    if (waiting.incrementAndGet() > MAX_WAITING) {
      waiting.decrementAndGet();
      throw new Failure(
          FailureCode.OVERLOADED, "too many builds are waiting already: try again later");
    }
    return Interruptible.run(() -> {
      try {
        permits.acquire();
      } finally {
        waiting.decrementAndGet();
      }
      try {
        return work.get();
      } finally {
        permits.release();
      }
    });
  }

  @Override
  public Optional<Document> manifest(Digest digest) {
    return Translation.failures(() -> store.findManifest(digest));
  }

  @Override
  public Optional<Delivery> blob(Digest digest) {
    return Translation.failures(() -> store.deliver(digest));
  }

  @Override
  public Optional<StoredObject> openBlob(Digest digest, long offset) {
    return Translation.failures(() -> store.open(digest, offset));
  }

  @Override
  public List<String> tags() {
    return Translation.failures(source::tags);
  }

  /** Stops all builds, and waits until they have cleaned up behind them. */
  @Override
  public void close() {
    threads.shutdownNow();
    try {
      if (!threads.awaitTermination(30, TimeUnit.SECONDS)) {
        LOG.log(System.Logger.Level.WARNING, "builds do not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

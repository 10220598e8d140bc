package nixery.server.build;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
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
import nixery.server.nix.Nix;
import nixery.server.nix.Resolved;
import nixery.server.progress.Build;
import nixery.server.progress.Builds;

/**
 * Makes images and keeps them in a storage. From cheapest to dearest, an image comes from memory;
 * from the record of its name in a revision, without Nix; from the record of its outputs, after
 * evaluation; or from a build, which packs only the layers that are missing.
 *
 * <p>Equal requests share one build. A build goes on when nobody waits for it any more, so that a
 * client that comes back finds it done. Thread-safe.
 */
public final class ImageService implements Images, AutoCloseable {

  private static final System.Logger LOG = System.getLogger(ImageService.class.getName());

  /** How many builds may wait for their turn. */
  private static final int MAX_WAITING = 200;

  /** How many keys of images are remembered. */
  private static final int RECENT_KEYS = 2000;

  /** For how long a request that failed is answered the same without trying again. */
  private static final Duration FAILURES_LAST = Duration.ofSeconds(3);

  private final Metrics metrics;
  private final Builds builds;
  private final PackageSource source;
  private final KnownTags tags;
  private final ImageStore store;
  private final Leases leases;
  private final BuildConfig config;
  private final Keys keys;
  private final List<String> forms;
  private final PackageResolver resolver;
  private final ImageBuilder builder;
  private final Semaphore permits;
  private final RecentImages lately = new RecentImages();
  private final Catalogue catalogue;
  private final AtomicInteger waiting = new AtomicInteger();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final SingleFlight<Request, Image> flights = new SingleFlight<>(threads, FAILURES_LAST);

  /** What the key of an image is made from, beside what is always the same. */
  private record Known(String revision, ImageName name, Digest popularity) {}

  /** Keys that were computed: that takes longer than all else in answering for a known image. */
  private final BoundedCache<Known, Digest> recent = new BoundedCache<>(RECENT_KEYS, _ -> 1);

  /** What makes two requests equal. */
  private record Request(ImageName name, String tag, Optional<String> revision) {}

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
    this.tags = new KnownTags(source, metrics);
    this.store = new ImageStore(storage, config.trust());
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
                tags::resolve,
                keys,
                store,
                resolver,
                lately,
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
  public ResolvedTag resolve(String tag) {
    return Translation.failures(() -> tags.resolve(tag));
  }

  @Override
  public Image image(String repository, String tag) {
    ImageName name = ImageName.parse(repository); // so that what is wrong with it is told first
    return serve(name, resolve(tag));
  }

  @Override
  public Image image(String repository, ResolvedTag tag) {
    return serve(ImageName.parse(repository), tag);
  }

  private Image serve(ImageName name, ResolvedTag tag) {
    Image image = image(name, tag);
    lately.served(name, tag.tag(), image);
    return image;
  }

  /** Returns what is known of images without building them. */
  public Catalogue catalogue() {
    return catalogue;
  }

  private Image image(ImageName name, ResolvedTag tag) {
    Popularity popularity = config.popularity().get();
    Optional<Digest> key = tag.revision().map(revision -> key(revision, name, popularity));
    Optional<Image> known = key.flatMap(store::recall);
    if (known.isPresent()) {
      metrics.hit(Cache.MEMORY);
      return known.get();
    }
    return flights.get(
        new Request(name, tag.tag(), tag.revision()),
        () -> {
          key.ifPresent(_ -> metrics.missed(Cache.MEMORY));
          return Translation.failures(() -> find(name, tag, key, popularity));
        });
  }

  private Digest key(String revision, ImageName name, Popularity popularity) {
    Known known = new Known(revision, name, popularity.digest());
    return recent
        .find(known)
        .orElseGet(() -> {
          Digest key = keys.image(source.identity(), revision, name, popularity);
          recent.put(known, key);
          return key;
        });
  }

  private Image find(ImageName name, ResolvedTag tag, Optional<Digest> key, Popularity popularity) {
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
    return metrics.build(() -> {
      queue();
      return builds.run(
          name.toString(),
          tag.tag(),
          build ->
              Metrics.telling(
                  build,
                  () ->
                      Translation.failures(
                          () -> inTurn(() -> make(name, tag, popularity, otherKey, build)))));
    });
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
                      () -> build(key, name, realisable, popularity, progress, tag));
                }));
    otherKey.ifPresent(other -> store.alias(key, other));
    return image;
  }

  /**
   * Builds an image. If Nix has collected a derivation since it was evaluated, which nothing keeps
   * it from, it is evaluated once more.
   */
  private Image build(
      Digest key,
      ImageName name,
      List<Resolved.Found> packages,
      Popularity popularity,
      Build progress,
      ResolvedTag tag)
      throws InterruptedException {
    try {
      return builder.build(key, name, packages, popularity, progress);
    } catch (Failure e) {
      // Only the same packages make the image of this key.
      if (resolver.hasDerivations(packages)
          || !resolver.realisable(packages, name, tag).equals(packages)) {
        throw e;
      }
      LOG.log(System.Logger.Level.WARNING, "a derivation was collected: {0} is built again", name);
      return builder.build(key, name, packages, popularity, progress);
    }
  }

  /** Takes a place among those that wait for their turn; who gets none has begun no build. */
  private void queue() {
    if (waiting.incrementAndGet() > MAX_WAITING) {
      waiting.decrementAndGet();
      throw new Failure(
          FailureCode.OVERLOADED, "too many builds are waiting already: try again later");
    }
  }

  /** Gives the place up and does the work when fewer than so many others are at it. */
  private <V> V inTurn(Interruptible<V> work) {
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

  /**
   * Stores a manifest or index, unless it is there, so that it can be had by its digest.
   *
   * @param manifest the document
   * @throws Failure if it cannot be stored
   */
  public void keep(Document manifest) {
    Translation.failures(() -> {
      store.saveManifest(manifest);
      return manifest;
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

  /**
   * Begins no builds from now on, and waits for those that are going on.
   *
   * @param grace how long to wait
   * @return whether all have ended
   * @throws InterruptedException if the caller is interrupted while it waits
   */
  public boolean finish(Duration grace) throws InterruptedException {
    flights.close();
    long end = System.nanoTime() + grace.toNanos();
    while (!flights.isIdle() && System.nanoTime() < end) {
      Thread.sleep(20);
    }
    return flights.isIdle();
  }

  /** Stops all builds, and waits until they have cleaned up behind them. */
  @Override
  public void close() {
    tags.close();
    store.close();
    threads.shutdownNow();
    try {
      if (!threads.awaitTermination(30, TimeUnit.SECONDS)) {
        LOG.log(System.Logger.Level.WARNING, "builds do not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    builder.close();
  }
}

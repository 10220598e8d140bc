package nixery.server.build;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import nixery.api.source.ResolvedTag;
import nixery.image.Digest;
import nixery.image.Popularity;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import nixery.server.nix.Resolved;
import nixery.server.progress.Build;
import nixery.server.progress.Builds;
import nixery.server.progress.Outcome;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The catalogue of an {@link ImageService}. */
final class ImageCatalogue implements Catalogue {

  /** How long one may wait until Nix may evaluate for a preview. */
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  /** How long it may take until a build begins or turns out not to be needed. */
  private static final Duration BEGINNING = Duration.ofSeconds(10);

  private static final Duration PAUSE = Duration.ofMillis(20);
  private static final int MAX_STARTING = 50;
  private static final int MAX_SHARING = 5;
  private static final JsonMapper JSON = JsonMapper.shared();

  /**
   * Where things are looked up.
   *
   * @param source the identity of the package source
   * @param tags what tags mean
   * @param keys of what is kept
   * @param store where it is kept
   * @param resolver what names mean
   * @param recent what was served lately
   * @param popularity of packages
   */
  record Library(
      String source,
      Function<String, ResolvedTag> tags,
      Keys keys,
      ImageStore store,
      PackageResolver resolver,
      RecentImages recent,
      Supplier<Popularity> popularity) {}

  private final Images images;
  private final Library library;
  private final Semaphore permits;
  private final Builds builds;
  private final ExecutorService threads;
  private final Semaphore previews = new Semaphore(1, true);
  private final Semaphore starting = new Semaphore(MAX_STARTING);

  ImageCatalogue(
      Images images, Library library, Semaphore permits, Builds builds, ExecutorService threads) {
    this.images = images;
    this.library = library;
    this.permits = permits;
    this.builds = builds;
    this.threads = threads;
  }

  @Override
  public Preview preview(String repository, String tag) {
    ImageName name = ImageName.parse(repository);
    return Translation.failures(() -> {
      ResolvedTag resolved = library.tags.apply(tag);
      return byRevision(name, resolved)
          .<Preview>map(image -> new Preview.Built(details(image, name, tag)))
          .orElseGet(() -> Interruptible.run(() -> evaluate(name, resolved)));
    });
  }

  private Optional<Image> byRevision(ImageName name, ResolvedTag tag) {
    return tag.revision()
        .flatMap(revision ->
            library.store.findImage(
                library.keys.image(library.source, revision, name, library.popularity.get())));
  }

  private Preview evaluate(ImageName name, ResolvedTag tag) throws InterruptedException {
    if (!previews.tryAcquire(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
      return new Preview.Busy();
    }
    try {
      if (!permits.tryAcquire(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
        return new Preview.Busy();
      }
      try {
        SortedMap<String, Resolved> packages = library.resolver.look(name, tag);
        return PackageResolver.inOrder(name, packages)
            .flatMap(found ->
                library.store.findImage(
                    library.keys.image(
                        name, ImageBuilder.outputs(found), library.popularity.get())))
            .<Preview>map(image -> new Preview.Built(details(image, name, tag.tag())))
            .orElseGet(() -> new Preview.NotBuilt(packages));
      } finally {
        permits.release();
      }
    } finally {
      previews.release();
    }
  }

  @Override
  public Optional<ImageDetails> find(String repository, String tag) {
    ImageName name = ImageName.parse(repository);
    return Translation.failures(() ->
        library
            .recent
            .find(name, tag)
            .or(() -> byRevision(name, library.tags.apply(tag)))
            .map(image -> details(image, name, tag)));
  }

  /** A layer as a manifest has it. */
  private record Blob(Digest digest, long size) {}

  private static List<Blob> layers(Image image) {
    List<Blob> layers = new ArrayList<>();
    for (JsonNode layer : JSON.readTree(image.oci().bytes()).path("layers")) {
      Digest digest = Digest.parse(layer.path("digest").asString("")).orElseThrow();
      layers.add(new Blob(digest, layer.path("size").asLong(0)));
    }
    return layers;
  }

  private ImageDetails details(Image image, ImageName name, String tag) {
    List<Blob> layers = layers(image);
    Map<Digest, List<String>> others = sharing(name, tag);
    List<LayerContents> contents =
        library.store.findContents(image.oci().digest()).orElse(List.of());
    List<ImageDetails.Layer> details = new ArrayList<>();
    for (int i = 0; i < layers.size(); i++) {
      Blob blob = layers.get(i);
      details.add(
          new ImageDetails.Layer(
              blob.digest,
              blob.size,
              contents.size() == layers.size() ? Optional.of(contents.get(i)) : Optional.empty(),
              others.getOrDefault(blob.digest, List.of())));
    }
    return new ImageDetails(image.oci().digest(), details);
  }

  /** Returns the names of other images by their layers. */
  private Map<Digest, List<String>> sharing(ImageName name, String tag) {
    Map<Digest, List<String>> names = new HashMap<>();
    RecentImages.Key self = new RecentImages.Key(name, tag);
    for (Map.Entry<RecentImages.Key, Image> other : library.recent.all()) {
      if (!other.getKey().equals(self)) {
        for (Blob layer : layers(other.getValue())) {
          List<String> sharing = names.computeIfAbsent(layer.digest, _ -> new ArrayList<>());
          if (sharing.size() < MAX_SHARING) {
            sharing.add(other.getKey().name() + ":" + other.getKey().tag());
          }
        }
      }
    }
    return names;
  }

  @Override
  public Started start(String repository, String tag) {
    String name = ImageName.parse(repository).toString();
    Optional<Started> running = running(name, tag);
    if (running.isPresent()) {
      return running.get();
    }
    if (!starting.tryAcquire()) {
      throw new Failure(
          FailureCode.OVERLOADED, "too many builds are being started: try again later");
    }
    Optional<String> before = builds.newest(name, tag).map(Build::id);
    try {
      CompletableFuture<Image> image =
          CompletableFuture.supplyAsync(() -> images.image(repository, tag), threads);
      return Interruptible.run(() -> follow(name, tag, before, image));
    } catch (RejectedExecutionException e) {
      throw new Failure(FailureCode.INTERRUPTED, Interruptible.STOPPING, e);
    } finally {
      starting.release();
    }
  }

  /** Waits for a build to begin. */
  private Started follow(
      String name, String tag, Optional<String> before, CompletableFuture<Image> image)
      throws InterruptedException {
    long deadline = System.nanoTime() + BEGINNING.toNanos();
    while (System.nanoTime() < deadline) {
      if (image.isDone()) {
        return ended(name, tag, before, image);
      }
      Optional<Started> running = running(name, tag);
      if (running.isPresent()) {
        return running.get();
      }
      Thread.sleep(PAUSE);
    }
    return new Started.Elsewhere();
  }

  private Optional<Started> running(String name, String tag) {
    return builds
        .newest(name, tag)
        .filter(build -> !build.snapshot().outcome().isFinal())
        .map(build -> new Started.Building(build.id()));
  }

  private Started ended(
      String name, String tag, Optional<String> before, CompletableFuture<Image> image)
      throws InterruptedException {
    try {
      image.get();
      return new Started.Ready();
    } catch (ExecutionException e) {
      // A failure that comes without a build is told at once.
      return builds
          .newest(name, tag)
          .filter(build ->
              !Optional.of(build.id()).equals(before)
                  || endedWith(build.snapshot().outcome(), e.getCause()))
          .map(Build::id)
          .<Started>map(Started.Building::new)
          .orElseThrow(() ->
              e.getCause() instanceof Failure failure
                  ? new Failure(failure.code(), failure.getMessage(), failure)
                  : new Failure(FailureCode.INTERNAL, "unexpected", e.getCause()));
    }
  }

  /** Tells whether a failure may be that of a build: a failure is told for a while after it. */
  private static boolean endedWith(Outcome outcome, Throwable cause) {
    return switch (outcome) {
      case Outcome.Running() -> true;
      case Outcome.Done() -> false;
      case Outcome.Failed(var code, var message) ->
          cause instanceof Failure failure
              && failure.code() == code
              && message.equals(failure.getMessage());
    };
  }
}

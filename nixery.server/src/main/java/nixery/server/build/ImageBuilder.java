package nixery.server.build;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.Semaphore;
import java.util.stream.Stream;
import nixery.image.Digest;
import nixery.image.ImageConfig;
import nixery.image.ImageDocuments;
import nixery.image.Layer;
import nixery.image.LayerPacker;
import nixery.image.LinkTree;
import nixery.image.PackedLayer;
import nixery.image.PackedLayerInfo;
import nixery.image.Popularity;
import nixery.image.ReferenceGraph;
import nixery.image.StorePath;
import nixery.image.UnpackableException;
import nixery.image.UnreadableException;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import nixery.server.metrics.Cache;
import nixery.server.metrics.Metrics;
import nixery.server.metrics.Phase;
import nixery.server.nix.Nix;
import nixery.server.nix.Output;
import nixery.server.nix.Resolved;
import nixery.server.progress.Build;

/** From packages to an image in the storage: realise, closure, plan, pack, documents. */
final class ImageBuilder implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(ImageBuilder.class.getName());

  /** An upload may need some MiB of memory. */
  private static final int MOST_STORED_AT_ONCE = 8;

  private final BuildConfig config;
  private final Keys keys;
  private final Nix nix;
  private final Realisations realisations;
  private final ImageStore store;
  private final Leases leases;
  private final LayerPacker packer;
  private final Metrics metrics;

  /** More than there are processors, so that one layer is read while others are compressed. */
  private final Semaphore packing = new Semaphore(2 * Runtime.getRuntime().availableProcessors());

  private final Semaphore storing = new Semaphore(MOST_STORED_AT_ONCE);

  ImageBuilder(
      BuildConfig config,
      Keys keys,
      Nix nix,
      ImageStore store,
      Leases leases,
      LayerPacker packer,
      Metrics metrics) {
    this.config = config;
    this.keys = keys;
    this.nix = nix;
    this.realisations = new Realisations(nix, metrics);
    this.store = store;
    this.leases = leases;
    this.packer = packer;
    this.metrics = metrics;
  }

  /** Builds the image of these packages, whose key is given, and stores it. */
  Image build(
      Digest key,
      ImageName name,
      List<Resolved.Found> packages,
      Popularity popularity,
      Build progress)
      throws InterruptedException {
    List<StorePath> outputs = outputs(packages).stream().map(StorePath::parse).toList();
    boolean done = false;
    try (Realisations.Realised realised =
        realisations.realise(packages, new RealiseProgress(name, nix, progress))) {
      ReferenceGraph closure = realised.closure();
      List<Layer> plan = metrics.time(Phase.PLAN, () -> plan(closure, outputs, popularity));
      progress.packing(plan.size() + 1);
      long since = System.nanoTime();
      List<PackedLayerInfo> layers =
          new ArrayList<>(Parallel.map(plan, layer -> layer(layer, progress)));
      layers.add(links(outputs, progress));
      ImageDocuments documents = ImageDocuments.of(imageConfig(name), layers);
      Image image =
          metrics.time(
              Phase.STORE,
              () -> {
                store.saveContents(documents.ociManifest().digest(), contents(plan, closure));
                return store.saveImage(key, layers, documents, since);
              });
      done = true;
      return image;
    } finally {
      if (!done) {
        realisations.forget(packages);
      }
    }
  }

  private ImageConfig imageConfig(ImageName name) {
    ImageConfig image = config.image().forArchitecture(name.architecture());
    boolean isSilent = image.entrypoint().isEmpty() && image.cmd().isEmpty();
    return name.shell() && isSilent ? image.withCmd(List.of("bash")) : image;
  }

  /** Returns what is in each layer, the one with the links last. */
  private static List<LayerContents> contents(List<Layer> plan, ReferenceGraph closure) {
    return Stream.concat(
            plan.stream()
                .map(layer ->
                    new LayerContents(
                        layer.paths().stream()
                            .map(path ->
                                new LayerContents.Item(path.name(), closure.info(path).narSize()))
                            .toList())),
            Stream.of(new LayerContents(List.of())))
        .toList();
  }

  private List<Layer> plan(ReferenceGraph closure, List<StorePath> outputs, Popularity popularity) {
    return config
        .layering()
        .plan(closure, new TreeSet<>(outputs), popularity, config.layerBudget() - 1);
  }

  /** Returns the store paths that packages are installed as, in order. */
  static List<String> outputs(List<Resolved.Found> packages) {
    return packages.stream()
        .flatMap(found -> found.outputs().stream())
        .map(Output::path)
        .distinct()
        .toList();
  }

  private PackedLayerInfo layer(Layer layer, Build progress) {
    return findOrPack(progress, keys.layer(layer), file -> packer.pack(layer, file));
  }

  private PackedLayerInfo links(List<StorePath> outputs, Build progress) {
    return findOrPack(
        progress,
        keys.links(outputs),
        file -> packer.pack(LinkTree.of(outputs, config.storeRoot()), file));
  }

  private interface Packing {
    PackedLayer into(Path file) throws IOException;
  }

  private PackedLayerInfo findOrPack(Build progress, LayerKeys layer, Packing work) {
    return leases.findOrMake(
        "layer-" + layer.shared().hex(),
        () -> {
          Optional<PackedLayerInfo> found = metrics.looked(Cache.LAYER, store.findLayer(layer));
          found.ifPresent(_ -> progress.reused());
          return found;
        },
        () -> {
          metrics.missed(Cache.LAYER);
          PackedLayerInfo packed = Interruptible.run(() -> packAndSave(layer, work));
          progress.packed(packed.size());
          return packed;
        });
  }

  private PackedLayerInfo packAndSave(LayerKeys keys, Packing work) throws InterruptedException {
    Path file = config.spool().resolve(UUID.randomUUID().toString());
    try {
      PackedLayer layer = inTurn(packing, () -> metrics.time(Phase.PACK, () -> work.into(file)));
      inTurn(
          storing,
          () ->
              metrics.time(
                  Phase.STORE,
                  () -> {
                    store.saveLayer(keys, layer);
                    return layer;
                  }));
      metrics.packed(layer.size());
      LOG.log(System.Logger.Level.DEBUG, "packed {0}, layer {1}", layer.digest(), keys.own().hex());
      return layer.info();
    } catch (UnpackableException e) {
      throw new Failure(FailureCode.BUILD_FAILED, e.getMessage(), e);
    } catch (UnreadableException e) {
      throw new Failure(
          FailureCode.NIX_UNAVAILABLE, "a package cannot be read from the Nix store", e);
    } catch (InterruptedIOException | ClosedByInterruptException e) {
      throw new Failure(FailureCode.INTERRUPTED, Interruptible.STOPPING, e);
    } catch (IOException e) {
      throw new Failure(
          FailureCode.STORAGE_UNAVAILABLE,
          "a layer cannot be packed now: try again later",
          new IOException(
              "cannot pack into the spool folder %s: %s".formatted(config.spool(), e), e));
    } finally {
      delete(file);
    }
  }

  private static <V, E extends Exception> V inTurn(Semaphore turns, Metrics.Work<V, E> work)
      throws E, InterruptedException {
    turns.acquire();
    try {
      return work.get();
    } finally {
      turns.release();
    }
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "cannot delete " + file, e);
    }
  }

  /** Lets Nix collect what was kept from it. */
  @Override
  public void close() {
    realisations.close();
  }
}

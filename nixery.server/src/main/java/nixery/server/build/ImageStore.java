package nixery.server.build;

import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import nixery.api.storage.Content;
import nixery.api.storage.Delivery;
import nixery.api.storage.Key;
import nixery.api.storage.Storage;
import nixery.api.storage.StorageException;
import nixery.api.storage.StoredObject;
import nixery.api.storage.VersionedRecord;
import nixery.image.Compression;
import nixery.image.Digest;
import nixery.image.Document;
import nixery.image.ImageDocuments;
import nixery.image.PackedLayer;
import nixery.image.PackedLayerInfo;
import nixery.server.failure.Failure;
import nixery.server.nix.Resolved;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * What stands where in the storage:
 *
 * <ul>
 *   <li>{@code blobs/<sha256>}: layers and configs
 *   <li>{@code manifests/<sha256>}: manifests
 *   <li>{@code layers/<key>}: which blob holds a layer, as a record, under both its keys
 *   <li>{@code images/<key>}: the manifests and blobs of an image, as a record; the key covers all
 *       that shapes the image
 *   <li>{@code contents/<sha256>}: which store paths are in which layer of an image, by its
 *       manifest in OCI's form; for people only
 *   <li>{@code packages/<key>}: what a name means in one revision of a package set, as a record
 *   <li>{@code leases/<name>}: who is making one of these
 * </ul>
 *
 * <p>A record is found only if all that it points to is there in its full length: what was lost is
 * made again. What was found is remembered for a while, and looked for again in the background; of
 * an image, each blob at most once in that time.
 */
final class ImageStore implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(ImageStore.class.getName());

  private static final String BLOB_TYPE = "application/octet-stream";
  private static final String CONTENTS_TYPE = "application/json";

  private static final long MAX_PACKAGES = Math.min(8 << 20, Runtime.getRuntime().maxMemory() / 32);

  private final Storage storage;
  private final ImageMemory memory;
  private final Thread checks;
  private final BoundedCache<Digest, Resolved> packages =
      new BoundedCache<>(MAX_PACKAGES, ImageStore::size);
  private final JsonMapper json = JsonMapper.shared();

  /**
   * Begins to look after what is in a storage.
   *
   * @param storage where everything is
   * @param trust how long a blob that was seen there is taken to be there
   */
  ImageStore(Storage storage, Duration trust) {
    this.storage = storage;
    this.memory = new ImageMemory(trust);
    this.checks = Thread.ofVirtual().name("image-checks").start(() -> checkForever(trust));
  }

  /** A blob that a record points to. */
  private record StoredBlob(Digest digest, long size) {
    StoredBlob {
      Objects.requireNonNull(digest);
    }

    CompleteImage.Blob blob() {
      return new CompleteImage.Blob(digest, size);
    }
  }

  private record StoredLayer(StoredBlob blob, Digest diffId, Compression compression) {
    StoredLayer {
      Objects.requireNonNull(blob);
      Objects.requireNonNull(diffId);
      Objects.requireNonNull(compression);
    }
  }

  private record StoredImage(Optional<Digest> docker, Digest oci, List<StoredBlob> blobs) {
    StoredImage {
      Objects.requireNonNull(docker);
      Objects.requireNonNull(oci);
      blobs = List.copyOf(blobs);
    }
  }

  private record StoredContents(List<LayerContents> layers) {
    StoredContents {
      layers = List.copyOf(layers);
    }
  }

  /** What was found out about a package: what it is, or that there is none. */
  private record StoredPackage(Boolean there, Optional<Resolved.Found> found) {
    StoredPackage {
      if (there != found.isPresent()) {
        throw new IllegalArgumentException("there is one or there is none");
      }
    }
  }

  private static Key blob(Digest digest) {
    return Key.of("blobs", digest.hex());
  }

  private static Key layer(Digest key) {
    return Key.of("layers", key.hex());
  }

  private static Key imageKey(Digest key) {
    return Key.of("images", key.hex());
  }

  private static Key manifest(Digest digest) {
    return Key.of("manifests", digest.hex());
  }

  /** Returns the layer with these keys, if it was packed before. */
  Optional<PackedLayerInfo> findLayer(LayerKeys keys) {
    return findLayer(keys.own()).or(() -> findLayer(keys.shared()));
  }

  private Optional<PackedLayerInfo> findLayer(Digest key) {
    return read(layer(key), StoredLayer.class)
        .filter(layer -> isThere(layer.blob.blob()))
        .map(layer ->
            new PackedLayerInfo(
                layer.blob.digest, layer.blob.size, layer.diffId, layer.compression));
  }

  /** Stores a layer; its file is moved away, or left for the caller to delete. */
  void saveLayer(LayerKeys keys, PackedLayer layer) {
    put(
        blob(layer.digest()),
        Content.ofFile(layer.file(), layer.size(), layer.digest().hex(), BLOB_TYPE));
    StoredLayer record =
        new StoredLayer(
            new StoredBlob(layer.digest(), layer.size()), layer.diffId(), layer.compression());
    write(layer(keys.own()), record);
    write(layer(keys.shared()), record);
  }

  /** Stores an object, also in the place of one that was damaged, as can be told by its length. */
  private void put(Key key, Content content) {
    Optional<Long> length = storage.stat(key);
    if (length.isPresent() && length.get() != content.length()) {
      LOG.log(System.Logger.Level.WARNING, "{0} has a wrong length: it is replaced", key);
      storage.delete(key);
    }
    storage.put(key, content);
  }

  /** Returns an image if no look into the storage is needed to know that it is complete there. */
  Optional<Image> recall(Digest key) {
    return memory.recall(key).map(CompleteImage::image);
  }

  /** Returns the image under this key, if it was built before and nothing of it was lost. */
  Optional<Image> findImage(Digest key) {
    return recall(key).or(() -> readImage(key));
  }

  private Optional<Image> readImage(Digest key) {
    long since = System.nanoTime();
    Optional<CompleteImage> image =
        read(imageKey(key), StoredImage.class).flatMap(this::completeImage);
    image.ifPresent(complete -> memory.keep(key, complete, since));
    return image.map(CompleteImage::image);
  }

  private Optional<CompleteImage> completeImage(StoredImage image) {
    List<CompleteImage.Blob> blobs = image.blobs.stream().map(StoredBlob::blob).toList();
    return areThere(blobs.stream().filter(blob -> !memory.isTrusted(blob)).toList())
        ? findManifest(image.oci)
            .map(oci -> new Image(image.docker.flatMap(this::findManifest), oci))
            .filter(found -> found.docker().isPresent() == image.docker.isPresent())
            .map(found -> new CompleteImage(found, blobs))
        : Optional.empty();
  }

  private boolean areThere(List<CompleteImage.Blob> blobs) {
    return Parallel.map(blobs, this::isThere).stream().allMatch(there -> there);
  }

  private boolean isThere(CompleteImage.Blob blob) {
    return storage.stat(blob(blob.digest())).equals(Optional.of(blob.size()));
  }

  private boolean areManifestsThere(List<Document> manifests) {
    return manifests.stream()
        .allMatch(each ->
            storage.stat(manifest(each.digest())).equals(Optional.of((long) each.bytes().length)));
  }

  /** Looks after the manifests and blobs of the images that are in use. */
  private void checkForever(Duration trust) {
    try {
      while (trust.isPositive()) {
        Thread.sleep(trust.dividedBy(4));
        try {
          check();
        } catch (RuntimeException e) {
          LOG.log(System.Logger.Level.ERROR, "the images in use could not be looked after", e);
        }
      }
    } catch (InterruptedException e) {
      LOG.log(System.Logger.Level.DEBUG, "closed");
    }
  }

  private void check() {
    for (ImageMemory.Remembered image : memory.due()) {
      long since = System.nanoTime();
      List<CompleteImage.Blob> due = memory.due(image);
      try {
        if (!areThere(due) || !areManifestsThere(image.manifests())) {
          lost("a part of the image " + image.digest());
          return;
        }
        memory.verified(image, due, since);
      } catch (StorageException | Failure e) {
        // What was not seen for too long is looked for when it is asked for.
        LOG.log(System.Logger.Level.WARNING, "the storage cannot be looked through now", e);
        return;
      }
    }
  }

  /** Takes nothing for granted any more. */
  private void lost(String what) {
    LOG.log(System.Logger.Level.WARNING, "{0} was lost: images are looked for anew", what);
    memory.forget();
  }

  /**
   * Stores the config and manifests of an image whose layers are there.
   *
   * @param since when the look at its layers began, by {@link System#nanoTime}
   */
  Image saveImage(Digest key, List<PackedLayerInfo> layers, ImageDocuments documents, long since) {
    Document config = documents.config();
    put(blob(config.digest()), Content.of(config.bytes(), BLOB_TYPE));
    Optional<Document> docker = documents.dockerManifest();
    Document oci = documents.ociManifest();
    docker.ifPresent(this::putManifest);
    putManifest(oci);
    List<StoredBlob> blobs =
        Stream.concat(
                layers.stream().map(layer -> new StoredBlob(layer.digest(), layer.size())),
                Stream.of(new StoredBlob(config.digest(), config.bytes().length)))
            .toList();
    write(imageKey(key), new StoredImage(docker.map(Document::digest), oci.digest(), blobs));
    Image image = new Image(docker, oci);
    memory.keep(
        key, new CompleteImage(image, blobs.stream().map(StoredBlob::blob).toList()), since);
    return image;
  }

  /** Stores a manifest or index, unless it is remembered to be there. */
  void saveManifest(Document manifest) {
    if (memory.manifest(manifest.digest()).isEmpty()) {
      putManifest(manifest);
      memory.keepManifest(manifest);
    }
  }

  private void putManifest(Document manifest) {
    put(manifest(manifest.digest()), Content.of(manifest.bytes(), manifest.mediaType()));
  }

  /** Notes down what is in the layers of an image, lowest first. */
  void saveContents(Digest manifest, List<LayerContents> layers) {
    byte[] bytes = json.writeValueAsBytes(new StoredContents(layers));
    put(contents(manifest), Content.of(bytes, CONTENTS_TYPE));
  }

  /** Returns what is in the layers of an image, lowest first, if it was noted down. */
  Optional<List<LayerContents>> findContents(Digest manifest) {
    return storage
        .open(contents(manifest), 0)
        .map(ImageStore::readAll)
        .flatMap(bytes -> {
          try {
            return Optional.of(json.readValue(bytes, StoredContents.class).layers);
          } catch (JacksonException e) {
            LOG.log(System.Logger.Level.WARNING, "the contents of " + manifest + " are damaged", e);
            return Optional.empty();
          }
        });
  }

  private static Key contents(Digest manifest) {
    return Key.of("contents", manifest.hex());
  }

  /** Makes an image that is found under one key be found under another too. */
  void alias(Digest key, Digest otherKey) {
    long since = System.nanoTime();
    read(imageKey(key), StoredImage.class).ifPresent(image -> write(imageKey(otherKey), image));
    memory.recall(key).ifPresent(image -> memory.keep(otherKey, image, since));
  }

  /** Returns a manifest by its digest; one that is damaged is deleted. */
  Optional<Document> findManifest(Digest digest) {
    return memory.manifest(digest).or(() -> readManifest(digest));
  }

  private Optional<Document> readManifest(Digest digest) {
    Optional<byte[]> bytes = storage.open(manifest(digest), 0).map(ImageStore::readAll);
    if (bytes.isEmpty() && memory.hasImageOf(digest)) {
      lost("the manifest " + digest);
    }
    if (bytes.isPresent() && !Digest.of(bytes.get()).equals(digest)) {
      LOG.log(System.Logger.Level.WARNING, "the manifest {0} is damaged: it is deleted", digest);
      storage.delete(manifest(digest));
      return Optional.empty();
    }
    Optional<Document> found =
        bytes.map(
            text -> new Document(json.readTree(text).path("mediaType").asString(), digest, text));
    found.ifPresent(memory::keepManifest);
    return found;
  }

  private static byte[] readAll(StoredObject object) {
    try (object) {
      return object.stream().readAllBytes();
    } catch (IOException e) {
      throw new StorageException("cannot read a manifest", e);
    }
  }

  /** Says how a blob gets to a client; one that has lost some of its bytes is as good as none. */
  Optional<Delivery> deliver(Digest digest) {
    Optional<Delivery> delivery = storage.deliver(blob(digest));
    return isAsRemembered(digest, delivery.flatMap(ImageStore::length), delivery.isPresent())
        ? delivery
        : Optional.empty();
  }

  /** Returns the length of what is delivered, where the storage knows it. */
  private static Optional<Long> length(Delivery delivery) {
    return switch (delivery) {
      case Delivery.Redirect _ -> Optional.empty();
      case Delivery.LocalFile(_, long length) -> Optional.of(length);
      case Delivery.Streamed(long length) -> Optional.of(length);
    };
  }

  Optional<StoredObject> open(Digest digest, long offset) {
    Optional<StoredObject> object = storage.open(blob(digest), offset);
    if (!isAsRemembered(digest, object.map(StoredObject::length), object.isPresent())) {
      object.ifPresent(ImageStore::close);
      return Optional.empty();
    }
    return object;
  }

  private static void close(StoredObject object) {
    try {
      object.close();
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "what is not read need not be closed well", e);
    }
  }

  /** Compares what there is with what was there, if that is known, and draws the conclusion. */
  private boolean isAsRemembered(Digest digest, Optional<Long> length, boolean there) {
    Optional<Long> before = memory.size(digest);
    boolean lost =
        before.isPresent() && (!there || !length.orElse(before.get()).equals(before.get()));
    if (lost) {
      lost("the blob " + digest);
    }
    return !lost;
  }

  /** Returns what is known about a package in one revision of a package set. */
  Optional<Resolved> findPackage(Digest key) {
    return packages.find(key).or(() -> readPackage(key));
  }

  private Optional<Resolved> readPackage(Digest key) {
    Optional<Resolved> found =
        read(packageKey(key), StoredPackage.class)
            .map(stored ->
                stored.found.<Resolved>map(each -> each).orElse(new Resolved.Unknown(List.of())));
    found.ifPresent(resolved -> packages.put(key, resolved));
    return found;
  }

  /** Returns about how much memory is taken by what is kept of a package. */
  private static long size(Resolved resolved) {
    return resolved instanceof Resolved.Found found ? 512 + 320L * found.outputs().size() : 320;
  }

  /** Keeps that there is a package in one revision of a package set. */
  void savePackage(Digest key, Resolved.Found found) {
    packages.put(key, found);
    write(packageKey(key), new StoredPackage(true, Optional.of(found)));
  }

  /** Keeps that there is no such package in one revision of a package set. */
  void saveNoPackage(Digest key) {
    write(packageKey(key), new StoredPackage(false, Optional.empty()));
  }

  private static Key packageKey(Digest key) {
    return Key.of("packages", key.hex());
  }

  /** Reads a record; one that is damaged is as good as none, since all of it can be made again. */
  private <T> Optional<T> read(Key key, Class<T> type) {
    return storage
        .readRecord(key)
        .flatMap(record -> {
          try {
            return Optional.ofNullable(json.readValue(record.bytes(), type));
          } catch (JacksonException e) {
            LOG.log(System.Logger.Level.WARNING, "the record " + key + " is damaged", e);
            return Optional.empty();
          }
        });
  }

  private void write(Key key, Object value) {
    writeBytes(key, json.writeValueAsBytes(value));
  }

  /** Writes a record whatever stands there: all who write one key mean the same. */
  private void writeBytes(Key key, byte[] bytes) {
    while (true) {
      Optional<VersionedRecord> old = storage.readRecord(key);
      if (old.isPresent() && Arrays.equals(old.get().bytes(), bytes)) {
        return;
      }
      if (storage.writeRecord(key, bytes, old.map(VersionedRecord::version)).isPresent()) {
        return;
      }
    }
  }

  @Override
  public void close() {
    checks.interrupt();
  }
}

package nixery.server.build;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import nixery.api.storage.Content;
import nixery.api.storage.Delivery;
import nixery.api.storage.Key;
import nixery.api.storage.Storage;
import nixery.api.storage.StorageException;
import nixery.api.storage.StoredObject;
import nixery.api.storage.VersionedRecord;
import nixery.image.Digest;
import nixery.image.Document;
import nixery.image.ImageDocuments;
import nixery.image.PackedLayer;
import nixery.image.PackedLayerInfo;
import nixery.server.nix.Resolved;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What stands where in the storage:
 *
 * <ul>
 *   <li>{@code blobs/<sha256>}: layers and configs
 *   <li>{@code manifests/<sha256>}: manifests
 *   <li>{@code layers/<layer id>}: which blob holds a layer, as a record
 *   <li>{@code images/<key>}: the manifests and blobs of an image, as a record; the key covers all
 *       that shapes the image
 *   <li>{@code packages/<key>}: what a name means in one revision of a package set, as a record
 *   <li>{@code leases/<name>}: who is making one of these
 * </ul>
 *
 * <p>A record is found only if all that it points to is there: what was lost is made again.
 */
final class ImageStore {

  private static final System.Logger LOG = System.getLogger(ImageStore.class.getName());

  private static final String BLOB_TYPE = "application/octet-stream";

  private final Storage storage;
  private final JsonMapper json = JsonMapper.shared();

  ImageStore(Storage storage) {
    this.storage = storage;
  }

  private record StoredLayer(String digest, long size, String diffId) {}

  private record StoredImage(String docker, String oci, List<String> blobs) {}

  private static Key blob(Digest digest) {
    return Key.of("blobs", digest.hex());
  }

  private static Key imageKey(Digest key) {
    return Key.of("images", key.hex());
  }

  private static Key manifest(Digest digest) {
    return Key.of("manifests", digest.hex());
  }

  /** Returns the layer with this id, if it was packed before. */
  Optional<PackedLayerInfo> findLayer(Digest id) {
    return read(Key.of("layers", id.hex()), StoredLayer.class)
        .filter(
            layer -> storage.stat(blob(new Digest(layer.digest))).equals(Optional.of(layer.size)))
        .map(layer ->
            new PackedLayerInfo(new Digest(layer.digest), layer.size, new Digest(layer.diffId)));
  }

  /** Stores a layer; its file is moved away, or left for the caller to delete. */
  void saveLayer(Digest id, PackedLayer layer) {
    storage.put(
        blob(layer.digest()),
        Content.ofFile(layer.file(), layer.size(), layer.digest().hex(), BLOB_TYPE));
    write(
        Key.of("layers", id.hex()),
        new StoredLayer(layer.digest().hex(), layer.size(), layer.diffId().hex()));
  }

  /** Returns the image under this key, if it was built before and nothing of it was lost. */
  Optional<Image> findImage(Digest key) {
    return read(imageKey(key), StoredImage.class)
        .filter(image -> allThere(image.blobs))
        .flatMap(image ->
            findManifest(new Digest(image.docker))
                .flatMap(docker ->
                    findManifest(new Digest(image.oci)).map(oci -> new Image(docker, oci))));
  }

  private boolean allThere(List<String> blobs) {
    return Parallel.map(blobs, hex -> storage.stat(blob(new Digest(hex))).isPresent()).stream()
        .allMatch(there -> there);
  }

  /** Stores the config and manifests of an image whose layers are there. */
  Image saveImage(Digest key, List<PackedLayerInfo> layers, ImageDocuments documents) {
    Document config = documents.config();
    storage.put(blob(config.digest()), Content.of(config.bytes(), BLOB_TYPE));
    Document docker = documents.dockerManifest();
    Document oci = documents.ociManifest();
    for (Document manifest : List.of(docker, oci)) {
      storage.put(manifest(manifest.digest()), Content.of(manifest.bytes(), manifest.mediaType()));
    }
    List<String> blobs =
        Stream.concat(layers.stream().map(PackedLayerInfo::digest), Stream.of(config.digest()))
            .map(Digest::hex)
            .toList();
    write(imageKey(key), new StoredImage(docker.digest().hex(), oci.digest().hex(), blobs));
    return new Image(docker, oci);
  }

  /** Makes an image that is found under one key be found under another too. */
  void alias(Digest key, Digest otherKey) {
    read(imageKey(key), StoredImage.class).ifPresent(image -> write(imageKey(otherKey), image));
  }

  /** Returns a manifest by its digest. */
  Optional<Document> findManifest(Digest digest) {
    return storage
        .open(manifest(digest), 0)
        .map(object -> {
          try (object) {
            byte[] bytes = object.stream().readAllBytes();
            JsonNode mediaType = json.readTree(bytes).path("mediaType");
            return new Document(mediaType.asString(), digest, bytes);
          } catch (IOException | JacksonException e) {
            throw new StorageException("cannot read the manifest " + digest, e);
          }
        });
  }

  Optional<Delivery> deliver(Digest digest) {
    return storage.deliver(blob(digest));
  }

  Optional<StoredObject> open(Digest digest, long offset) {
    return storage.open(blob(digest), offset);
  }

  /** What was found out about a package: what it is, or that there is none. */
  private record StoredPackage(Optional<Resolved.Found> found) {}

  /** Returns what is known about a package in one revision of a package set. */
  Optional<Resolved> findPackage(Digest key) {
    return read(packageKey(key), StoredPackage.class)
        .map(stored ->
            stored.found.<Resolved>map(found -> found).orElse(new Resolved.Unknown(List.of())));
  }

  /** Keeps that there is a package in one revision of a package set. */
  void savePackage(Digest key, Resolved.Found found) {
    write(packageKey(key), new StoredPackage(Optional.of(found)));
  }

  /** Keeps that there is no such package in one revision of a package set. */
  void saveNoPackage(Digest key) {
    write(packageKey(key), new StoredPackage(Optional.empty()));
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
            return Optional.of(json.readValue(record.bytes(), type));
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
}

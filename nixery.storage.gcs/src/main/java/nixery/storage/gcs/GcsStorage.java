package nixery.storage.gcs;

import com.google.cloud.storage.Blob;
import com.google.cloud.storage.BlobId;
import com.google.cloud.storage.BlobInfo;
import com.google.cloud.storage.Storage.BlobField;
import com.google.cloud.storage.Storage.BlobGetOption;
import com.google.cloud.storage.Storage.BlobListOption;
import com.google.cloud.storage.Storage.BlobSourceOption;
import com.google.cloud.storage.Storage.BlobTargetOption;
import com.google.cloud.storage.Storage.BucketField;
import com.google.cloud.storage.Storage.BucketGetOption;
import com.google.cloud.storage.StorageException;
import java.net.URI;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import nixery.api.storage.Content;
import nixery.api.storage.Delivery;
import nixery.api.storage.Key;
import nixery.api.storage.Storage;
import nixery.api.storage.StoredObject;
import nixery.api.storage.VersionedRecord;

/**
 * Objects and records as objects of a bucket, each under its key. The version of a record is the
 * generation that the service gave it, which no other has ever had.
 */
final class GcsStorage implements Storage {

  /** Up to this length, objects are streamed, for clients that follow no redirect for them. */
  static final long STREAMED = 64 << 10;

  private static final int REMEMBERED = 50_000;

  /** The name of the metadata by which a record is recognised by who wrote it. */
  private static final String WRITE = "nixery-write";

  private static final int READ_ATTEMPTS = 10;

  private static final Pattern KEY_CHARACTERS = Pattern.compile("[a-z0-9._/-]*");

  private final BucketClient client;
  private final DownloadUrls urls;

  /** Lengths of objects that were seen, so that clients can be redirected without asking again. */
  private final Recent<Key, Long> lengths = new Recent<>(REMEMBERED);

  GcsStorage(BucketClient client, DownloadUrls urls) {
    this.client = client;
    this.urls = urls;
  }

  @Override
  public void put(Key key, Content content) {
    if (new Upload(client, key, content).run()) {
      lengths.put(key, content.length());
    }
  }

  @Override
  public Optional<Long> stat(Key key) {
    Optional<Long> length = find(key, "look for " + key, BlobField.SIZE).map(Blob::getSize);
    length.ifPresentOrElse(bytes -> lengths.put(key, bytes), () -> lengths.remove(key));
    return length;
  }

  @Override
  public Optional<StoredObject> open(Key key, long offset) {
    Optional<Blob> found = find(key, "open " + key, BlobField.SIZE, BlobField.GENERATION);
    if (found.isEmpty()) {
      lengths.remove(key);
      return Optional.empty();
    }
    long length = found.get().getSize();
    if (offset < 0 || offset > length) {
      throw new nixery.api.storage.StorageException(
          "%s has %d bytes, so it cannot be read from %d".formatted(key, length, offset));
    }
    Download download = new Download(client, generation(key, found.get()), offset, length);
    return Optional.of(new StoredObject(length, download));
  }

  @Override
  public Optional<Delivery> deliver(Key key) {
    Optional<Long> length = lengths.get(key).or(() -> stat(key));
    return length.map(bytes ->
        bytes <= STREAMED ? new Delivery.Streamed(bytes) : new Delivery.Redirect(address(key)));
  }

  private URI address(Key key) {
    try {
      return urls.of(key);
    } catch (RuntimeException e) { // Google's client is not particular about which.
      throw Failures.of("sign the address of " + key, e);
    }
  }

  @Override
  public boolean delete(Key key) {
    lengths.remove(key);
    return deleted("delete " + key, () -> client.retrying().delete(client.id(key.value())));
  }

  @Override
  public Stream<Key> list(String prefix) {
    if (!KEY_CHARACTERS.matcher(prefix).matches() || prefix.length() > Key.MAX_LENGTH) {
      return Stream.empty();
    }
    String doing = "list " + prefix;
    Iterable<Blob> found =
        attempt(
            doing,
            () ->
                client
                    .retrying()
                    .list(
                        client.bucket(),
                        BlobListOption.prefix(client.prefix() + prefix),
                        BlobListOption.fields(BlobField.NAME))
                    .iterateAll());
    Iterator<Blob> blobs = found.iterator();
    Iterator<String> names =
        new Iterator<>() {
          @Override
          public boolean hasNext() {
            return attempt(doing, blobs::hasNext);
          }

          @Override
          public String next() {
            return blobs.next().getName();
          }
        };
    Iterable<String> all = () -> names;
    return StreamSupport.stream(all.spliterator(), false)
        .flatMap(name -> key(name.substring(client.prefix().length())).stream());
  }

  /** A bucket may hold what others put there. */
  private static Optional<Key> key(String name) {
    try {
      return Optional.of(new Key(name));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  @Override
  public Optional<VersionedRecord> readRecord(Key key) {
    String doing = "read " + key;
    for (int attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
      Optional<Blob> found = find(key, doing, BlobField.SIZE, BlobField.GENERATION);
      if (found.isEmpty()) {
        return Optional.empty();
      }
      BlobId id = generation(key, found.get());
      try {
        byte[] bytes = client.retrying().readAllBytes(id);
        if (bytes.length == found.get().getSize()) {
          return Optional.of(new VersionedRecord(bytes, id.getGeneration().toString()));
        }
      } catch (StorageException e) {
        if (e.getCode() != 404) {
          throw Failures.of(doing, e);
        }
        // It was replaced in between.
      }
    }
    throw new nixery.api.storage.StorageException(
        "cannot %s in Google Cloud Storage: it changes all the time".formatted(doing));
  }

  @Override
  public Optional<String> writeRecord(Key key, byte[] value, Optional<String> expected) {
    if (value.length > MAX_RECORD) {
      throw new IllegalArgumentException("%s has %d bytes".formatted(key, value.length));
    }
    OptionalLong replaced = generation(expected.orElse("0"), expected.isPresent());
    if (replaced.isEmpty()) {
      return Optional.empty();
    }
    String write = UUID.randomUUID().toString();
    BlobInfo info =
        BlobInfo.newBuilder(client.id(key.value()))
            .setContentType("application/octet-stream")
            // Otherwise the service may answer with an old one, if everybody may read the bucket.
            .setCacheControl("no-store")
            .setMetadata(Map.of(WRITE, write))
            .build();
    try {
      BlobTargetOption condition = BlobTargetOption.generationMatch(replaced.getAsLong());
      return Optional.of(
          client
              .retrying()
              .create(info, value, condition, BlobTargetOption.disableGzipContent())
              .getGeneration()
              .toString());
    } catch (StorageException e) {
      if (e.getCode() != 412) {
        throw Failures.of("write " + key, e);
      }
      // Perhaps it was written at a first attempt, whose answer was lost.
      return find(key, "write " + key, BlobField.METADATA, BlobField.GENERATION)
          .filter(now -> now.getMetadata() != null && write.equals(now.getMetadata().get(WRITE)))
          .map(now -> now.getGeneration().toString());
    }
  }

  @Override
  public boolean removeRecord(Key key, String expected) {
    OptionalLong generation = generation(expected, true);
    if (generation.isEmpty()) {
      return false;
    }
    String doing = "remove " + key;
    BlobSourceOption condition = BlobSourceOption.generationMatch(generation.getAsLong());
    BlobId id = client.id(key.value());
    try {
      return deleted(doing, () -> client.once().delete(id, condition));
    } catch (nixery.api.storage.StorageException e) {
      // Whether that removed it is known only if it is still there.
      if (!deleted(doing, () -> client.retrying().delete(id, condition))) {
        throw e;
      }
      return true;
    }
  }

  /** Reads a version. What is no positive number was never a version of a record here. */
  private static OptionalLong generation(String version, boolean exists) {
    try {
      long generation = Long.parseLong(version);
      return exists && generation <= 0 ? OptionalLong.empty() : OptionalLong.of(generation);
    } catch (NumberFormatException e) {
      return OptionalLong.empty();
    }
  }

  private BlobId generation(Key key, Blob blob) {
    return BlobId.of(client.bucket(), client.id(key.value()).getName(), blob.getGeneration());
  }

  private Optional<Blob> find(Key key, String doing, BlobField... fields) {
    BlobGetOption wanted = BlobGetOption.fields(fields);
    Optional<Blob> found =
        attempt(
            doing,
            () -> Optional.ofNullable(client.retrying().get(client.id(key.value()), wanted)));
    if (found.isEmpty()) {
      requireBucket(doing);
    }
    return found;
  }

  private boolean deleted(String doing, Supplier<Boolean> deletion) {
    try {
      if (deletion.get()) {
        return true;
      }
    } catch (StorageException e) {
      if (e.getCode() == 412) {
        return false;
      }
      throw Failures.of(doing, e);
    }
    requireBucket(doing);
    return false;
  }

  /**
   * Fails if there is no bucket. An object that is not there and a bucket that is not there look
   * the same, but only one of them means that something may be forgotten or has to be built.
   */
  private void requireBucket(String doing) {
    try {
      BucketGetOption name = BucketGetOption.fields(BucketField.NAME);
      if (client.retrying().get(client.bucket(), name) == null) {
        throw new nixery.api.storage.StorageException(
            "cannot %s in Google Cloud Storage: the bucket '%s' does not exist any more"
                .formatted(doing, client.bucket()));
      }
    } catch (StorageException e) {
      if (e.getCode() != 403) { // It is there, and not ours to look at.
        throw Failures.of(doing, e);
      }
    }
  }

  private static <T> T attempt(String doing, Supplier<T> action) {
    try {
      return action.get();
    } catch (StorageException e) {
      throw Failures.of(doing, e);
    }
  }

  @Override
  public Optional<Path> spool() {
    return Optional.empty();
  }

  @Override
  public void close() {
    try {
      client.retrying().close();
      client.once().close();
    } catch (Exception e) {
      throw Failures.of("end", e);
    }
  }
}

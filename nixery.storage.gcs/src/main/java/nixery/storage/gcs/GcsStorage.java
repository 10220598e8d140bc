package nixery.storage.gcs;

import com.google.cloud.storage.Blob;
import com.google.cloud.storage.Storage.BlobField;
import com.google.cloud.storage.Storage.BlobListOption;
import java.net.URI;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import nixery.api.storage.Content;
import nixery.api.storage.Delivery;
import nixery.api.storage.Key;
import nixery.api.storage.Storage;
import nixery.api.storage.StorageException;
import nixery.api.storage.StoredObject;
import nixery.api.storage.VersionedRecord;

/** Objects and records as objects of a bucket, each under its key. */
final class GcsStorage implements Storage {

  /** Up to this length, objects are streamed, for clients that follow no redirect for them. */
  static final long STREAMED = 64 << 10;

  private static final int REMEMBERED = 50_000;
  private static final Pattern KEY_CHARACTERS = Pattern.compile("[a-z0-9._/-]*");

  private final BucketClient client;
  private final BucketObjects objects;
  private final Records records;
  private final DownloadUrls urls;

  /** Lengths of objects that were seen, so that clients can be redirected without asking again. */
  private final Recent<Key, Long> lengths = new Recent<>(REMEMBERED);

  GcsStorage(BucketClient client, DownloadUrls urls) {
    this.client = client;
    this.objects = new BucketObjects(client);
    this.records = new Records(client, objects);
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
    Optional<Long> length = objects.find(key, "look for " + key, BlobField.SIZE).map(Blob::getSize);
    length.ifPresentOrElse(bytes -> lengths.put(key, bytes), () -> lengths.remove(key));
    return length;
  }

  @Override
  public Optional<StoredObject> open(Key key, long offset) {
    Optional<Blob> found = objects.find(key, "open " + key, BlobField.SIZE, BlobField.GENERATION);
    if (found.isEmpty()) {
      lengths.remove(key);
      return Optional.empty();
    }
    long length = found.get().getSize();
    if (offset < 0 || offset > length) {
      throw new StorageException(
          "%s has %d bytes, so it cannot be read from %d".formatted(key, length, offset));
    }
    Download download = new Download(client, found.get().getBlobId(), offset, length);
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
    return objects.deleted("delete " + key, () -> client.retrying().delete(client.id(key.value())));
  }

  @Override
  public Stream<Key> list(String prefix) {
    if (!KEY_CHARACTERS.matcher(prefix).matches() || prefix.length() > Key.MAX_LENGTH) {
      return Stream.empty();
    }
    String doing = "list " + prefix;
    Iterable<Blob> found =
        BucketObjects.attempt(
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
            return BucketObjects.attempt(doing, blobs::hasNext);
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
    return records.read(key);
  }

  @Override
  public Optional<String> writeRecord(Key key, byte[] value, Optional<String> expected) {
    if (value.length > MAX_RECORD) {
      throw new IllegalArgumentException("%s has %d bytes".formatted(key, value.length));
    }
    return records.write(key, value, expected);
  }

  @Override
  public boolean removeRecord(Key key, String expected) {
    return records.remove(key, expected);
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
      throw Failures.of("close the client", e);
    }
  }
}

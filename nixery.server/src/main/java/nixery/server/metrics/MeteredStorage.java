package nixery.server.metrics;

import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import nixery.api.storage.Content;
import nixery.api.storage.Delivery;
import nixery.api.storage.Key;
import nixery.api.storage.Storage;
import nixery.api.storage.StoredObject;
import nixery.api.storage.VersionedRecord;

/**
 * Measures the calls of a storage. Of objects that are read and of listings, only the beginning is
 * measured.
 */
public final class MeteredStorage implements Storage {

  private final Storage storage;
  private final Metrics metrics;

  /**
   * Wraps a storage.
   *
   * @param storage does the work
   * @param metrics gets the measurements
   */
  public MeteredStorage(Storage storage, Metrics metrics) {
    this.storage = storage;
    this.metrics = metrics;
  }

  @Override
  public void put(Key key, Content content) {
    metrics.storageCall(
        "put",
        () -> {
          storage.put(key, content);
          return key;
        });
  }

  @Override
  public Optional<Long> stat(Key key) {
    return metrics.storageCall("stat", () -> storage.stat(key));
  }

  @Override
  public Optional<StoredObject> open(Key key, long offset) {
    return metrics.storageCall("open", () -> storage.open(key, offset));
  }

  @Override
  public Optional<Delivery> deliver(Key key) {
    return metrics.storageCall("deliver", () -> storage.deliver(key));
  }

  @Override
  public boolean delete(Key key) {
    return metrics.storageCall("delete", () -> storage.delete(key));
  }

  @Override
  public Stream<Key> list(String prefix) {
    return metrics.storageCall("list", () -> storage.list(prefix));
  }

  @Override
  public Optional<VersionedRecord> readRecord(Key key) {
    return metrics.storageCall("read_record", () -> storage.readRecord(key));
  }

  @Override
  public Optional<String> writeRecord(Key key, byte[] value, Optional<String> expected) {
    return metrics.storageCall("write_record", () -> storage.writeRecord(key, value, expected));
  }

  @Override
  public boolean removeRecord(Key key, String expected) {
    return metrics.storageCall("remove_record", () -> storage.removeRecord(key, expected));
  }

  @Override
  public Optional<Path> spool() {
    return storage.spool();
  }

  @Override
  public void close() {
    storage.close();
  }
}

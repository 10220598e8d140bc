package nixery.server;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import nixery.api.Scratch;
import nixery.api.storage.Content;
import nixery.api.storage.Delivery;
import nixery.api.storage.Key;
import nixery.api.storage.Storage;
import nixery.api.storage.StorageException;
import nixery.api.storage.StoredObject;
import nixery.api.storage.VersionedRecord;

/** Storage of one process, which ends with it: objects in a scratch folder, records in memory. */
final class ScratchStorage implements Storage {

  private record Stored(Path file, long length) {}

  private final Scratch scratch;
  private final Map<Key, Stored> objects = new ConcurrentHashMap<>();
  private final Map<Key, VersionedRecord> records = new ConcurrentHashMap<>();

  /**
   * Takes a folder.
   *
   * @param scratch where objects are kept; closed with this
   */
  ScratchStorage(Scratch scratch) {
    this.scratch = scratch;
  }

  @Override
  public void put(Key key, Content content) {
    Path file = scratch.next();
    try {
      if (content.file().isPresent()) {
        Files.move(content.file().get(), file);
      } else {
        try (InputStream bytes = content.open()) {
          Files.copy(bytes, file);
        }
      }
      if (objects.putIfAbsent(key, new Stored(file, content.length())) != null) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new StorageException("cannot store %s: %s".formatted(key, e.getMessage()), e);
    }
  }

  @Override
  public Optional<Long> stat(Key key) {
    return Optional.ofNullable(objects.get(key)).map(Stored::length);
  }

  @Override
  public Optional<StoredObject> open(Key key, long offset) {
    Stored stored = objects.get(key);
    if (stored == null) {
      return Optional.empty();
    }
    try {
      InputStream stream = Files.newInputStream(stored.file);
      stream.skipNBytes(offset);
      return Optional.of(new StoredObject(stored.length, stream));
    } catch (IOException e) {
      throw new StorageException("cannot read %s: %s".formatted(key, e.getMessage()), e);
    }
  }

  @Override
  public Optional<Delivery> deliver(Key key) {
    return Optional.ofNullable(objects.get(key))
        .map(stored -> new Delivery.LocalFile(stored.file, stored.length));
  }

  @Override
  public boolean delete(Key key) {
    Stored stored = objects.remove(key);
    try {
      return stored != null && Files.deleteIfExists(stored.file);
    } catch (IOException e) {
      throw new StorageException("cannot delete %s: %s".formatted(key, e.getMessage()), e);
    }
  }

  @Override
  public Stream<Key> list(String prefix) {
    return Stream.concat(objects.keySet().stream(), records.keySet().stream())
        .filter(key -> key.value().startsWith(prefix));
  }

  @Override
  public Optional<VersionedRecord> readRecord(Key key) {
    return Optional.ofNullable(records.get(key));
  }

  @Override
  public Optional<String> writeRecord(Key key, byte[] value, Optional<String> expected) {
    VersionedRecord record = new VersionedRecord(value.clone(), scratch.next().toString());
    VersionedRecord now =
        records.compute(
            key,
            (_, old) ->
                Optional.ofNullable(old).map(VersionedRecord::version).equals(expected)
                    ? record
                    : old);
    return record.equals(now) ? Optional.of(record.version()) : Optional.empty();
  }

  @Override
  public boolean removeRecord(Key key, String expected) {
    VersionedRecord old = records.get(key);
    return old != null && old.version().equals(expected) && records.remove(key, old);
  }

  @Override
  public Optional<Path> spool() {
    return Optional.of(scratch.folder());
  }

  @Override
  public void close() {
    scratch.close();
  }
}

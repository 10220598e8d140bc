package nixery.server.web;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.UUID;
import nixery.api.storage.Key;
import nixery.api.storage.Storage;
import nixery.api.storage.StorageException;
import nixery.api.storage.VersionedRecord;

/**
 * Reads, writes and removes a small record, {@code health/<random>}: a storage that can only be
 * read is no use to a server that has something to build.
 */
public final class StorageTrial implements Probe.Trial {

  private final Storage storage;
  private final Key key = Key.of("health", UUID.randomUUID().toString());

  /**
   * Creates one.
   *
   * @param storage to be tried
   */
  public StorageTrial(Storage storage) {
    this.storage = storage;
  }

  @Override
  public void run() {
    Optional<String> left = storage.readRecord(key).map(VersionedRecord::version);
    String version =
        storage
            .writeRecord(key, "ready?".getBytes(StandardCharsets.US_ASCII), left)
            .orElseThrow(() -> new StorageException("cannot replace the record " + key));
    if (!storage.removeRecord(key, version)) {
      throw new StorageException("cannot remove the record " + key);
    }
  }
}

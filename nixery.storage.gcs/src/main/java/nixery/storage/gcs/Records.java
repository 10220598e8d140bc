package nixery.storage.gcs;

import com.google.cloud.storage.Blob;
import com.google.cloud.storage.BlobId;
import com.google.cloud.storage.BlobInfo;
import com.google.cloud.storage.Storage.BlobField;
import com.google.cloud.storage.Storage.BlobSourceOption;
import com.google.cloud.storage.Storage.BlobTargetOption;
import com.google.cloud.storage.StorageException;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import nixery.api.storage.Key;
import nixery.api.storage.Storage;
import nixery.api.storage.VersionedRecord;

/**
 * Small objects that are replaced under a condition. The version of a record is the generation that
 * the service gave it, which no other has ever had.
 */
final class Records {

  /** The name of the metadata by which a record is recognised by who wrote it. */
  private static final String WRITE = "nixery-write";

  private static final int READ_ATTEMPTS = 10;
  private static final int WRITE_ATTEMPTS = 3;

  private final BucketClient client;
  private final BucketObjects objects;

  Records(BucketClient client, BucketObjects objects) {
    this.client = client;
    this.objects = objects;
  }

  /** See {@link Storage#readRecord}. */
  Optional<VersionedRecord> read(Key key) {
    String doing = "read " + key;
    for (int attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
      Optional<Blob> found = objects.find(key, doing, BlobField.SIZE, BlobField.GENERATION);
      if (found.isEmpty()) {
        return Optional.empty();
      }
      BlobId id = found.get().getBlobId();
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

  /** See {@link Storage#writeRecord}. */
  Optional<String> write(Key key, byte[] value, Optional<String> expected) {
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
    BlobTargetOption condition = BlobTargetOption.generationMatch(replaced.getAsLong());
    for (int attempt = 1; ; attempt++) {
      try {
        Blob made =
            client.retrying().create(info, value, condition, BlobTargetOption.disableGzipContent());
        return Optional.of(made.getGeneration().toString());
      } catch (StorageException e) {
        if (e.getCode() == 412) {
          return writtenBefore(key, write);
        }
        // 400 is what the service says of bytes that were changed on the way.
        if (e.getCode() != 400 || attempt == WRITE_ATTEMPTS) {
          throw Failures.of("write " + key, e);
        }
      }
    }
  }

  /** Looks whether a record was written at a first attempt, whose answer was lost. */
  private Optional<String> writtenBefore(Key key, String write) {
    return objects
        .find(key, "write " + key, BlobField.METADATA, BlobField.GENERATION)
        .filter(now -> now.getMetadata() != null && write.equals(now.getMetadata().get(WRITE)))
        .map(now -> now.getGeneration().toString());
  }

  /** See {@link Storage#removeRecord}. */
  boolean remove(Key key, String expected) {
    OptionalLong generation = generation(expected, true);
    if (generation.isEmpty()) {
      return false;
    }
    String doing = "remove " + key;
    BlobSourceOption condition = BlobSourceOption.generationMatch(generation.getAsLong());
    BlobId id = client.id(key.value());
    try {
      return objects.deleted(doing, () -> client.once().delete(id, condition));
    } catch (nixery.api.storage.StorageException e) {
      // Whether that removed it is known only if it is still there.
      if (!objects.deleted(doing, () -> client.retrying().delete(id, condition))) {
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
}

package nixery.storage.gcs;

import com.google.cloud.storage.Blob;
import com.google.cloud.storage.Storage.BlobField;
import com.google.cloud.storage.Storage.BlobGetOption;
import com.google.cloud.storage.Storage.BlobListOption;
import com.google.cloud.storage.StorageException;
import java.util.Optional;
import java.util.function.Supplier;
import nixery.api.storage.Key;

/** Looks for and deletes objects, and knows an object that is not there from a lost bucket. */
final class BucketObjects {

  private final BucketClient client;

  BucketObjects(BucketClient client) {
    this.client = client;
  }

  /**
   * Looks for an object.
   *
   * @param doing a phrase that follows "cannot", for the failure
   * @param fields what is to be known about it besides its name
   * @throws nixery.api.storage.StorageException if that could not be found out
   */
  Optional<Blob> find(Key key, String doing, BlobField... fields) {
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

  /**
   * Deletes an object.
   *
   * @param doing a phrase that follows "cannot", for the failure
   * @param deletion the call, perhaps under a condition
   * @return false if it was not there, or not under that condition
   * @throws nixery.api.storage.StorageException if that failed
   */
  boolean deleted(String doing, Supplier<Boolean> deletion) {
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
      // Looking at the bucket itself would need another permission.
      client
          .retrying()
          .list(
              client.bucket(),
              BlobListOption.prefix(client.prefix() + "_"),
              BlobListOption.pageSize(1),
              BlobListOption.fields(BlobField.NAME));
    } catch (StorageException e) {
      if (e.getCode() == 404) {
        throw new nixery.api.storage.StorageException(
            "cannot %s in Google Cloud Storage: the bucket '%s' does not exist any more"
                .formatted(doing, client.bucket()),
            e);
      }
      throw Failures.of(doing, e);
    }
  }

  /** Runs a call of Google's client and puts its failure into our words. */
  static <T> T attempt(String doing, Supplier<T> action) {
    try {
      return action.get();
    } catch (StorageException e) {
      throw Failures.of(doing, e);
    }
  }
}

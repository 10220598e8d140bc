package nixery.api.storage;

import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Keeps objects and records under {@link Key}s.
 *
 * <p><b>Objects</b> are layers, configs and manifests. They are immutable: what stands under a key
 * never changes, because keys are made from the content. They can be large.
 *
 * <p><b>Records</b> are small (at most {@value #MAX_RECORD} bytes) and can be replaced: what is
 * known about a build, who is working on a layer. Objects and records never share a key.
 *
 * <p>Several server processes may use the same storage at the same time. What one has written, all
 * see at once. Nothing half-written is ever visible, not even after a crash. All methods are
 * thread-safe, may block, and throw {@link StorageException} when the storage fails; what the
 * server does then is said there.
 */
public interface Storage extends AutoCloseable {

  /** The largest record, in bytes. */
  int MAX_RECORD = 1 << 20;

  /**
   * Stores an object, or does nothing if the key has one already. When this returns, the object
   * survives a crash of the machine. Several calls for one key at the same time are fine: one of
   * the objects stays, and no other is ever seen.
   *
   * @param key where
   * @param content what; length and SHA-256 are checked against the bytes that were really stored,
   *     at the latest before they become visible
   * @throws StorageException if it was not stored, or its bytes are not what the content promised
   */
  void put(Key key, Content content);

  /**
   * Tells whether an object is there.
   *
   * @param key which
   * @return its length in bytes; empty if there is none
   */
  Optional<Long> stat(Key key);

  /**
   * Reads an object.
   *
   * @param key which
   * @param offset the number of bytes to leave out at the beginning, from 0 up to the length
   * @return the object, for the caller to close; empty if there is none
   * @throws StorageException if the storage fails, or the offset is beyond the end
   */
  Optional<StoredObject> open(Key key, long offset);

  /**
   * Says how an object gets to a client. Where this is a {@link Delivery.Redirect}, it should cost
   * no call to a remote service if that can be avoided: the address of an object that has vanished
   * may be returned.
   *
   * @param key which
   * @return the way; empty if there is no such object, as far as this storage knows
   */
  Optional<Delivery> deliver(Key key);

  /**
   * Deletes an object. Clients that are reading it may be cut off.
   *
   * @param key which
   * @return whether it was there
   */
  boolean delete(Key key);

  /**
   * Lists objects and records.
   *
   * @param prefix what their keys begin with, whether or not it ends a segment; the empty string
   *     lists everything
   * @return the keys in no particular order, each once, for the caller to close. Using it throws
   *     {@link StorageException} when the storage fails. What is stored or deleted meanwhile is
   *     listed or not; callers may delete what has just been listed.
   */
  Stream<Key> list(String prefix);

  /**
   * Reads a record.
   *
   * @param key which
   * @return the record; empty if there is none
   */
  Optional<VersionedRecord> readRecord(Key key);

  /**
   * Writes a record if nobody else did since it was read. Of several callers that expect the same,
   * exactly one succeeds.
   *
   * @param key which
   * @param value the bytes, at most {@value #MAX_RECORD}
   * @param expected the version to be replaced; empty if there must be no record yet
   * @return the new version; empty if the record was not as expected and nothing was written
   * @throws IllegalArgumentException if the value is larger than {@value #MAX_RECORD} bytes
   * @throws StorageException if the storage fails; whether the value was written is then unknown
   */
  Optional<String> writeRecord(Key key, byte[] value, Optional<String> expected);

  /**
   * Removes a record if nobody else changed it since it was read.
   *
   * @param key which
   * @param expected the version to be removed
   * @return whether it was removed
   * @throws StorageException if the storage fails; whether it was removed is then unknown
   */
  boolean removeRecord(Key key, String expected);

  /**
   * Returns a folder from which {@link #put} can move a file into place without copying it. The
   * server packs layers there.
   *
   * @return an existing folder of this process; empty if any folder is as good as another
   */
  Optional<Path> spool();

  /** Gives up connections, locks and temporary files. No other method is called afterwards. */
  @Override
  void close();
}

package nixery.storage.fs;

import java.nio.file.Path;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import nixery.api.storage.Key;

/**
 * A folder of files that are named by keys. The file of {@code a/b/name} is {@code a/b/_na/name}.
 *
 * @param root the folder
 */
record KeyTree(Path root) {

  /** What the names of the folders that hold files begin with. No segment of a key does. */
  static final String SHARD = "_";

  /** Returns where the file of a key is or would be. */
  Path file(Key key) {
    int slash = key.value().lastIndexOf('/');
    String name = key.value().substring(slash + 1);
    Path folder = slash < 0 ? root : root.resolve(key.value().substring(0, slash));
    return folder.resolve(SHARD + name.substring(0, Math.min(2, name.length()))).resolve(name);
  }

  /**
   * Lists the keys that begin with a prefix. The stream holds open folders until it is closed, and
   * throws {@link nixery.api.storage.StorageException} when one cannot be read.
   */
  Stream<Key> list(String prefix) {
    KeyListing listing = new KeyListing(this, prefix);
    int traits = Spliterator.DISTINCT | Spliterator.NONNULL;
    return StreamSupport.stream(Spliterators.spliteratorUnknownSize(listing, traits), false)
        .onClose(listing::close);
  }
}

package nixery.storage.fs;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import nixery.api.storage.Key;
import nixery.api.storage.StorageException;

/**
 * Goes through a {@link KeyTree} with as much memory as it has levels, looking into no folder that
 * cannot hold what is wanted. Files may come and go meanwhile.
 */
final class KeyListing implements Iterator<Key>, AutoCloseable {

  /** A folder that is being read: either one for files, or one for further folders. */
  private record Level(
      DirectoryStream<Path> folder, Iterator<Path> entries, String keysBegin, boolean holdsFiles) {}

  private final KeyTree tree;
  private final String prefix;
  private final Deque<Level> levels = new ArrayDeque<>();
  private boolean begun;
  private Optional<Key> next = Optional.empty();

  KeyListing(KeyTree tree, String prefix) {
    this.tree = tree;
    this.prefix = prefix;
  }

  @Override
  public boolean hasNext() {
    try {
      if (!begun) {
        begun = true;
        enter(tree.root(), "", false);
      }
      while (next.isEmpty() && !levels.isEmpty()) {
        Level level = levels.getLast();
        if (level.entries().hasNext()) {
          visit(level, level.entries().next());
        } else {
          levels.removeLast().folder().close();
        }
      }
    } catch (DirectoryIteratorException e) {
      throw failure(e.getCause());
    } catch (IOException e) {
      throw failure(e);
    }
    return next.isPresent();
  }

  @Override
  public Key next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    Key key = next.orElseThrow();
    next = Optional.empty();
    return key;
  }

  private void visit(Level level, Path entry) throws IOException {
    String name = entry.getFileName().toString();
    if (level.holdsFiles()) {
      // What is no key's file was put there by somebody else.
      next =
          Key.parse(level.keysBegin() + name)
              .filter(key -> key.value().startsWith(prefix) && tree.file(key).equals(entry));
    } else if (name.startsWith(KeyTree.SHARD)) {
      if (canHold(level.keysBegin() + name.substring(KeyTree.SHARD.length()))) {
        enter(entry, level.keysBegin(), true);
      }
    } else if (canHold(level.keysBegin() + name + "/")) {
      enter(entry, level.keysBegin() + name + "/", false);
    }
  }

  private boolean canHold(String keysBegin) {
    return keysBegin.startsWith(prefix) || prefix.startsWith(keysBegin);
  }

  @SuppressWarnings("StreamResourceLeak") // close() closes what is still open
  private void enter(Path path, String keysBegin, boolean holdsFiles) throws IOException {
    if (Files.isDirectory(path)) {
      try {
        DirectoryStream<Path> folder = Files.newDirectoryStream(path);
        levels.addLast(new Level(folder, folder.iterator(), keysBegin, holdsFiles));
      } catch (NoSuchFileException e) {
        // Somebody has just deleted it, and so it holds nothing.
      }
    }
  }

  private StorageException failure(IOException e) {
    return new StorageException("cannot list " + tree.root(), e);
  }

  @Override
  public void close() {
    try {
      while (!levels.isEmpty()) {
        levels.removeLast().folder().close();
      }
    } catch (IOException e) {
      throw failure(e);
    }
  }
}

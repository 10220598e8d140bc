package nixery.image;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/** Finds files in a Nix store that need not lie where its paths say. */
final class StoreFiles {

  /** As many as Linux follows. */
  private static final int MOST_LINKS = 40;

  private StoreFiles() {}

  /** Returns where the store of a root lies. */
  static Path store(Path storeRoot) {
    return storeRoot.toAbsolutePath().resolve(StorePath.STORE_DIRECTORY.substring(1));
  }

  /** Returns what is in a directory, sorted by the bytes of the names. */
  static List<Path> children(Path directory) throws IOException {
    List<Path> children = new ArrayList<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory)) {
      stream.forEach(children::add);
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    children.sort(Comparator.comparing(RawNames::last));
    return children;
  }

  /**
   * Follows symbolic links, those with absolute targets too, within a store.
   *
   * @param store where the store lies
   * @param file something in it
   * @return the directory that this is or leads to, by a path without links; empty if it does not
   *     lead to a directory in the store
   */
  static Optional<Path> directory(Path store, Path file) throws IOException {
    Deque<Path> left = new ArrayDeque<>();
    store.relativize(file).forEach(left::add);
    Path reached = store;
    int links = 0;
    while (!left.isEmpty()) {
      String name = left.element().toString();
      Path next = reached.resolve(left.remove());
      if (name.isEmpty() || name.equals(".")) {
        continue;
      }
      if (name.equals("..")) {
        if (reached.equals(store)) {
          return Optional.empty();
        }
        reached = reached.getParent();
      } else if (Files.isSymbolicLink(next)) {
        Path target = Files.readSymbolicLink(next);
        if (target.isAbsolute()) {
          Path directory = Path.of(StorePath.STORE_DIRECTORY);
          int above = directory.getNameCount();
          if (!target.startsWith(directory) || target.getNameCount() == above) {
            return Optional.empty();
          }
          target = target.subpath(above, target.getNameCount());
          reached = store;
        }
        if (++links > MOST_LINKS) {
          return Optional.empty();
        }
        for (int i = target.getNameCount() - 1; i >= 0; i--) {
          left.addFirst(target.getName(i));
        }
      } else {
        reached = next;
      }
    }
    return Files.isDirectory(reached, LinkOption.NOFOLLOW_LINKS) && !reached.equals(store)
        ? Optional.of(reached)
        : Optional.empty();
  }
}

package nixery.api.source;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.UUID;

/**
 * Deletes folders while others go on: a revision of nixpkgs has so many files that deleting them
 * can take a minute. What is not deleted when the process ends is deleted by the next one. Several
 * processes may work on the same folder. Thread-safe.
 */
final class Garbage {

  private static final Logger LOG = System.getLogger(RevisionCache.class.getName());

  private final Path folder;
  private Thread cleaner;
  private boolean more;
  private boolean stopped;

  /**
   * Opens a folder of garbage.
   *
   * @param folder the folder, used for nothing else; made if it is not there
   * @throws IOException if it cannot be made
   */
  Garbage(Path folder) throws IOException {
    this.folder = Files.createDirectories(folder);
  }

  /**
   * Takes a folder away at once.
   *
   * @param tree a folder on the same file system
   * @throws NoSuchFileException if it is not there
   * @throws IOException if it cannot be moved
   */
  void take(Path tree) throws IOException {
    Files.move(tree, folder.resolve(UUID.randomUUID().toString()), StandardCopyOption.ATOMIC_MOVE);
  }

  /** Sees to it that everything in the folder is deleted soon. */
  synchronized void clean() {
    more = true;
    if (cleaner == null && !stopped) {
      cleaner = Thread.ofVirtual().name("cleaning " + folder).start(this::run);
    }
  }

  /** Stops deleting, and returns when that is so. */
  void stop() {
    Thread running;
    synchronized (this) {
      stopped = true;
      running = cleaner;
    }
    if (running != null) {
      running.interrupt();
      try {
        running.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private synchronized boolean next() {
    if (!more || stopped) {
      cleaner = null;
      return false;
    }
    more = false;
    return true;
  }

  private void run() {
    while (next()) {
      try (DirectoryStream<Path> trees = Files.newDirectoryStream(folder)) {
        for (Path tree : trees) {
          Files.walkFileTree(tree, new Deletion());
        }
      } catch (IOException | RuntimeException e) {
        LOG.log(Level.WARNING, "cannot delete what is in " + folder, e);
      }
    }
  }

  /** Deletes, and does not mind if another process is faster. Ends when interrupted. */
  private static final class Deletion extends SimpleFileVisitor<Path> {

    private static FileVisitResult goOn() {
      return Thread.currentThread().isInterrupted()
          ? FileVisitResult.TERMINATE
          : FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes)
        throws IOException {
      if (!Files.isWritable(dir)) {
        try {
          Files.setPosixFilePermissions(dir, PosixFilePermissions.fromString("rwx------"));
        } catch (NoSuchFileException e) {
          return FileVisitResult.SKIP_SUBTREE;
        }
      }
      return goOn();
    }

    @Override
    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
      Files.deleteIfExists(file);
      return goOn();
    }

    @Override
    public FileVisitResult visitFileFailed(Path file, IOException failure) throws IOException {
      if (failure instanceof NoSuchFileException) {
        return goOn();
      }
      throw failure;
    }

    @Override
    public FileVisitResult postVisitDirectory(Path dir, IOException failure) throws IOException {
      if (failure != null && !(failure instanceof NoSuchFileException)) {
        throw failure;
      }
      try {
        Files.deleteIfExists(dir);
      } catch (DirectoryNotEmptyException e) {
        LOG.log(Level.DEBUG, "another process is deleting " + dir, e);
      }
      return goOn();
    }
  }
}

package nixery.api;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A folder for the unfinished files of one process, under a parent folder that several processes
 * share. Closing it deletes it. Where a process died before that, the next one that opens a scratch
 * folder under the same parent deletes what was left.
 *
 * <p>Each folder {@code NAME} is guarded by an exclusive lock on the file {@code NAME.lock} next to
 * it, which the operating system releases however the process ends. Thread-safe.
 */
public final class Scratch implements AutoCloseable {

  private static final String LOCK = ".lock";

  private static final Set<PosixFilePermission> PRIVATE =
      PosixFilePermissions.fromString("rwx------");

  /**
   * The lock files of this process. POSIX gives up all locks that a process has on a file when it
   * closes any descriptor of it, so these must never be opened a second time.
   */
  private static final Set<Path> OWN = ConcurrentHashMap.newKeySet();

  private final Path folder;
  private final Path lockFile;
  private final FileChannel channel;

  private Scratch(Path folder, Path lockFile, FileChannel channel) {
    this.folder = folder;
    this.lockFile = lockFile;
    this.channel = channel;
  }

  /**
   * Makes a new folder and deletes those of processes that are gone.
   *
   * @param parent the shared folder, used for nothing else; made if it is not there
   * @return the open scratch folder
   * @throws IOException if the parent cannot be written
   */
  public static Scratch open(Path parent) throws IOException {
    Path realParent = Files.createDirectories(parent).toRealPath();
    sweep(realParent);
    while (true) {
      Path folder = realParent.resolve(UUID.randomUUID().toString());
      Path lockFile = realParent.resolve(folder.getFileName() + LOCK);
      OWN.add(lockFile);
      FileChannel channel =
          FileChannel.open(lockFile, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      try {
        if (channel.tryLock() != null && Files.exists(lockFile)) {
          Files.createDirectory(folder, PosixFilePermissions.asFileAttribute(PRIVATE));
          return new Scratch(folder, lockFile, channel);
        }
        // Another process swept the file before it was locked.
        channel.close();
        OWN.remove(lockFile);
      } catch (IOException | RuntimeException e) {
        Files.deleteIfExists(lockFile);
        channel.close();
        OWN.remove(lockFile);
        throw e;
      }
    }
  }

  /** One at a time, since a process that locks a file twice is refused and loses the lock. */
  private static synchronized void sweep(Path parent) throws IOException {
    try (DirectoryStream<Path> lockFiles = Files.newDirectoryStream(parent, "*" + LOCK)) {
      for (Path lockFile : lockFiles) {
        if (OWN.contains(lockFile)) {
          continue;
        }
        try (FileChannel channel = FileChannel.open(lockFile, StandardOpenOption.WRITE);
            FileLock lock = channel.tryLock()) {
          if (lock != null) {
            String name = lockFile.getFileName().toString();
            deleteTree(parent.resolve(name.substring(0, name.length() - LOCK.length())));
            Files.deleteIfExists(lockFile);
          }
        } catch (NoSuchFileException e) {
          // Another process swept it first.
        }
      }
    }
  }

  /** Returns the folder, which nobody but this user can read. */
  public Path folder() {
    return folder;
  }

  /**
   * Returns a path in the folder that no other call returns. Nothing is there yet.
   *
   * @return the path of a file or folder to be made
   */
  public Path next() {
    return folder.resolve(UUID.randomUUID().toString());
  }

  /** Deletes the folder and everything in it, and gives up the lock. */
  @Override
  public void close() {
    try (channel) {
      deleteTree(folder);
      Files.deleteIfExists(lockFile);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot delete " + folder, e);
    }
    OWN.remove(lockFile);
  }

  /**
   * Deletes a file, or a folder with everything in it. Symbolic links are deleted, not followed,
   * and folders without write permission are made writable first. Nothing happens if it is not
   * there.
   *
   * @param tree the file or folder
   * @throws IOException if something could not be deleted
   */
  public static void deleteTree(Path tree) throws IOException {
    if (!Files.exists(tree, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    Files.walkFileTree(
        tree,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes)
              throws IOException {
            if (!Files.isWritable(dir)) {
              Files.setPosixFilePermissions(dir, PRIVATE);
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path dir, IOException failure)
              throws IOException {
            if (failure != null) {
              throw failure;
            }
            Files.deleteIfExists(dir);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}

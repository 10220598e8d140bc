package nixery.api.source;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Optional;

/**
 * Locks between processes: one file without content, of which each revision has one byte. There
 * must be one instance for a file in a process, and one thread at a time must use it for one
 * revision.
 */
final class RevisionLocks implements AutoCloseable {

  /** How long another process may take to make a revision. */
  private static final Duration PATIENCE = Duration.ofHours(1);

  private final FileChannel channel;

  RevisionLocks(Path file) throws IOException {
    channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
  }

  /**
   * Tries to lock a revision, and never waits.
   *
   * @param revision the revision
   * @param shared whether others may have it too
   * @return the lock; empty if another process has one that excludes it
   * @throws IOException if the file system does not lock
   */
  Optional<FileLock> tryLock(String revision, boolean shared) throws IOException {
    // Unlike lock(), tryLock() does not close the channel when the thread is interrupted.
    return Optional.ofNullable(channel.tryLock(position(revision), 1, shared));
  }

  /** Locks a revision as {@link #tryLock} does, but waits for other processes. */
  FileLock lock(String revision, boolean shared) throws IOException, InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    long pause = 5;
    while (true) {
      Optional<FileLock> lock = tryLock(revision, shared);
      if (lock.isPresent()) {
        return lock.get();
      }
      if (System.nanoTime() - deadline > 0) {
        throw new IOException(
            "another process has been working on " + revision + " for " + PATIENCE);
      }
      Thread.sleep(pause);
      pause = Math.min(2 * pause, 200);
    }
  }

  private static long position(String revision) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(revision.getBytes(StandardCharsets.UTF_8));
      return ByteBuffer.wrap(hash).getLong() >>> 2;
    } catch (NoSuchAlgorithmException e) {
      throw new LinkageError("every Java runtime has SHA-256", e);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}

package nixery.storage.fs;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A lock that one thread at a time holds, of all threads in all processes that use one file for it.
 * The operating system releases it when a process dies.
 *
 * <p>There is one for all keys, held only for a look and a rename. A lock per key would fail: POSIX
 * locks belong to processes, and so two processes with two threads each, which wait for each
 * other's locks without any harm, look like a deadlock to the system, which refuses the lock then.
 */
final class FolderLock {

  /**
   * Excludes the threads of this process, by lock file. A process gives up a POSIX lock when it
   * closes any descriptor of the file, so no second one may be open at a time.
   */
  private static final ConcurrentHashMap<Path, ReentrantLock> THREADS = new ConcurrentHashMap<>();

  private final Path file;
  private final ReentrantLock threads;

  /**
   * Prepares the lock.
   *
   * @param file the real path of the lock file, which is made when it is locked first and stays
   */
  FolderLock(Path file) {
    this.file = file;
    this.threads = THREADS.computeIfAbsent(file, _ -> new ReentrantLock());
  }

  /** What is done while the lock is held. */
  interface Work<T> {
    T run() throws IOException;
  }

  /** Waits for the lock, works, and releases it. */
  <T> T holding(Work<T> work) throws IOException {
    threads.lock();
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      channel.lock();
      return work.run();
    } finally {
      threads.unlock();
    }
  }
}

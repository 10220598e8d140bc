package nixery.api.source;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Keeps the package sets of a remote source on disk: one immutable folder for each revision, made
 * once and then shared by all threads and all server processes that use the same cache folder.
 *
 * <pre>{@code
 * RevisionCache cache = RevisionCache.open(context.cacheFolder().resolve("commits"), 8, AGE);
 * try (PackageSet set = cache.get(commit, folder -> export(commit, folder))) {
 *   evaluate(set.path());
 * }
 * }</pre>
 *
 * <p>A folder appears under its final name only when it is complete, whatever happens to the
 * process that makes it. When a process uses a folder for the first time, it compares the number
 * and sizes of the files with what was made; if the machine crashed before everything was on the
 * disk, or somebody tidied up, the folder is made again.
 *
 * <p>Folders that nobody uses are deleted when they were last used too long ago or when too many
 * others were used since. One that is in use, here or in another process, is never deleted.
 * Processes are kept apart by locks on single bytes of the file {@code locks}, one byte for each
 * revision, which the operating system gives up however a process ends. The cache must be on a file
 * system that has such locks, as all local ones do.
 *
 * <p>Thread-safe. A cache folder may be opened more than once in one process.
 */
public final class RevisionCache implements AutoCloseable {

  private static final Pattern REVISION = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,127}");

  /** Makes the package set of one revision. */
  @FunctionalInterface
  public interface Maker {

    /**
     * Fills a folder with the package set. It runs on a thread of its own, which is interrupted
     * when the cache is closed; it must end by itself if a remote host does not answer.
     *
     * @param folder an empty folder, which is thrown away if this throws
     * @throws SourceException to be passed on to the callers of {@link RevisionCache#get}
     * @throws IOException if it failed for another reason; the callers see a {@link
     *     SourceUnavailableException}
     * @throws InterruptedException if the thread was interrupted
     */
    void make(Path folder) throws IOException, InterruptedException;
  }

  private final RevisionFolders folders;
  private final int most;
  private final Duration age;
  private volatile boolean closed;

  private RevisionCache(RevisionFolders folders, int most, Duration age) {
    this.folders = folders;
    this.most = most;
    this.age = age;
  }

  /**
   * Opens a cache. Deletes what processes that are gone left unfinished, and what is too old.
   *
   * @param folder the folder, used for nothing else; made if it is not there
   * @param most how many revisions are kept, at least 1; more only while they are in use
   * @param age how long a revision is kept after it was last used
   * @return the open cache
   * @throws IOException if the folder cannot be written or locked
   */
  public static RevisionCache open(Path folder, int most, Duration age) throws IOException {
    if (most < 1 || !age.isPositive()) {
      throw new IllegalArgumentException("keep " + most + " for " + age);
    }
    RevisionCache cache = new RevisionCache(RevisionFolders.join(folder), most, age);
    cache.prune();
    return cache;
  }

  /**
   * Returns the package set of a revision, which stays on disk until it is closed. If it is not
   * there yet, it is made; several calls at the same time wait for one maker and share its success
   * or failure. A caller that is interrupted does not disturb the others.
   *
   * @param revision at most 128 letters, digits, dots, hyphens and underscores, of which the first
   *     is a letter or digit
   * @param maker makes it if it has to be made
   * @return the package set; its path is the folder that the maker filled, which is called {@code
   *     source} for all revisions, so that what Nix copies from it does not depend on the revision
   * @throws SourceException what the maker threw; a {@link SourceUnavailableException} also if the
   *     disk failed or this thread was interrupted, which it then still is
   * @throws IllegalArgumentException if the revision has another form
   */
  public PackageSet get(String revision, Maker maker) {
    if (!REVISION.matcher(revision).matches()) {
      throw new IllegalArgumentException("not a revision: " + revision);
    }
    Objects.requireNonNull(maker);
    while (true) {
      if (closed) {
        throw new SourceUnavailableException("The server is stopping.");
      }
      Optional<PackageSet> set = folders.get(revision, maker, this);
      if (set.isPresent()) {
        return set.get();
      }
      // It was being made for another cache on the same folder, which was closed meanwhile.
    }
  }

  /**
   * Takes away what is too old or too much, as {@link #open} and {@link #get} do whenever something
   * was made, and deletes it in the background. What cannot be deleted is left to the next time.
   */
  public void prune() {
    folders.prune(most, age);
  }

  boolean isClosed() {
    return closed;
  }

  /**
   * Interrupts what is being made and deletes unfinished files. Package sets that were handed out
   * remain valid until they are closed.
   */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      folders.leave(this);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot close " + folders, e);
    }
  }
}

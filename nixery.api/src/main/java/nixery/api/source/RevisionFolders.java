package nixery.api.source;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import nixery.api.Scratch;

/**
 * A folder of revisions as this process sees it: there is one instance for each such folder, shared
 * by all {@link RevisionCache}s on it. That is necessary because POSIX gives up all locks of a
 * process on a file when the process closes any descriptor of that file: so there is one channel,
 * and it is closed when nobody needs a lock any more.
 *
 * <p>The layout is {@code revisions/REVISION/source}, what was made, {@code
 * revisions/REVISION/complete}, its {@link Tally}, whose time is that of the last use, {@code
 * scratch}, what is being made, {@code garbage}, what is being deleted, and {@code locks}. A shared
 * lock on a revision's byte means that it is in use, an exclusive one that it is being made or
 * deleted.
 *
 * <p>All state of all instances is guarded by one monitor, which is never held for long.
 */
final class RevisionFolders {

  private static final Logger LOG = System.getLogger(RevisionCache.class.getName());

  private static final Object MONITOR = new Object();
  private static final Map<Path, RevisionFolders> OPEN = new HashMap<>();

  private static final String SOURCE = "source";
  private static final String COMPLETE = "complete";

  /** How often a revision is made for one call if it vanishes at once. */
  private static final int ATTEMPTS = 3;

  private static final Duration STOPPING = Duration.ofSeconds(30);

  private final Path folder;
  private final Path revisions;
  private final RevisionLocks locks;

  private int joined;
  private Scratch scratch;
  private Garbage garbage;
  private final Map<String, Use> uses = new HashMap<>();
  private final Map<String, Flight> flights = new HashMap<>();
  private final Set<String> verified = new HashSet<>();

  /** A revision that this process holds a shared lock on. */
  private static final class Use {
    final FileLock lock;
    int count;

    Use(FileLock lock, int count) {
      this.lock = lock;
      this.count = count;
    }
  }

  /** What finds or makes a revision, and those who wait for it. */
  private static final class Flight {
    final RevisionCache owner;
    final CompletableFuture<Boolean> landed = new CompletableFuture<>();
    Thread thread;
    int waiting;

    Flight(RevisionCache owner) {
      this.owner = owner;
    }
  }

  private RevisionFolders(Path folder) throws IOException {
    this.folder = folder;
    this.revisions =
        Files.createDirectories(
            folder.resolve("revisions"),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    this.locks = new RevisionLocks(folder.resolve("locks"));
  }

  /** Opens a folder, for {@link #leave} to close. */
  static RevisionFolders join(Path folder) throws IOException {
    Path real = Files.createDirectories(folder).toRealPath();
    synchronized (MONITOR) {
      RevisionFolders folders = OPEN.get(real);
      if (folders == null) {
        folders = new RevisionFolders(real);
        OPEN.put(real, folders);
      }
      try {
        if (folders.joined == 0) {
          folders.scratch = Scratch.open(real.resolve("scratch"));
          folders.garbage = new Garbage(real.resolve("garbage"));
        }
        folders.joined++;
        return folders;
      } catch (IOException | RuntimeException e) {
        folders.closeIfUnused();
        throw e;
      }
    }
  }

  /** Closes the folder for one of those who opened it. */
  void leave(RevisionCache owner) throws IOException {
    List<Thread> running = new ArrayList<>();
    synchronized (MONITOR) {
      for (Flight flight : flights.values()) {
        if (flight.owner == owner) {
          flight.thread.interrupt();
          running.add(flight.thread);
        }
      }
    }
    for (Thread thread : running) {
      try {
        if (!thread.join(STOPPING)) {
          LOG.log(Level.WARNING, "{0} does not stop", thread.getName());
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        break;
      }
    }
    synchronized (MONITOR) {
      joined--;
      try {
        if (joined == 0) {
          garbage.stop();
          scratch.close();
        }
      } finally {
        closeIfUnused();
      }
    }
  }

  private void closeIfUnused() throws IOException {
    if (joined == 0 && uses.isEmpty() && flights.isEmpty() && OPEN.remove(folder, this)) {
      locks.close();
    }
  }

  /** Returns a revision; empty if the owner of the maker that was waited for was closed. */
  Optional<PackageSet> get(String revision, RevisionCache.Maker maker, RevisionCache owner) {
    Flight flight;
    synchronized (MONITOR) {
      if (owner.isClosed()) {
        return Optional.empty();
      }
      Use use = uses.get(revision);
      if (use != null) {
        use.count++;
        return Optional.of(new Lease(revision));
      }
      flight = flights.get(revision);
      if (flight == null) {
        flight = depart(revision, maker, owner);
      }
      flight.waiting++;
    }
    return await(revision, flight);
  }

  private Flight depart(String revision, RevisionCache.Maker maker, RevisionCache owner) {
    Flight flight = new Flight(owner);
    flights.put(revision, flight);
    flight.thread =
        Thread.ofVirtual().name("making " + revision).unstarted(() -> fly(revision, maker, flight));
    flight.thread.start();
    return flight;
  }

  private Optional<PackageSet> await(String revision, Flight flight) {
    try {
      return flight.landed.get() ? Optional.of(new Lease(revision)) : Optional.empty();
    } catch (InterruptedException e) {
      synchronized (MONITOR) {
        if (flights.get(revision) == flight) {
          flight.waiting--;
        } else if (flight.landed.state() == Future.State.SUCCESS && flight.landed.join()) {
          release(revision);
        }
      }
      Thread.currentThread().interrupt();
      throw new SourceUnavailableException("Interrupted while waiting for " + revision + ".", e);
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case RuntimeException failure -> throw failure;
        case Error failure -> throw failure;
        case IOException failure ->
            throw new SourceUnavailableException(
                "Revision %s cannot be kept in %s: %s. Is there space left?"
                    .formatted(revision, folder, failure),
                failure);
        default -> throw new IllegalStateException(e.getCause());
      }
    }
  }

  private void fly(String revision, RevisionCache.Maker maker, Flight flight) {
    try {
      FileLock lock = obtain(revision, maker, flight.owner);
      synchronized (MONITOR) {
        flights.remove(revision);
        if (flight.waiting == 0) {
          lock.release();
          closeIfUnused();
        } else {
          uses.put(revision, new Use(lock, flight.waiting));
        }
        flight.landed.complete(true);
      }
    } catch (Throwable failure) {
      synchronized (MONITOR) {
        flights.remove(revision);
        if (failure instanceof InterruptedException || flight.owner.isClosed()) {
          flight.landed.complete(false);
        } else {
          flight.landed.completeExceptionally(failure);
        }
        try {
          closeIfUnused();
        } catch (IOException e) {
          LOG.log(Level.WARNING, "cannot close the locks of " + folder, e);
        }
      }
    }
  }

  /** Returns a shared lock on a revision that is there. */
  private FileLock obtain(String revision, RevisionCache.Maker maker, RevisionCache owner)
      throws IOException, InterruptedException {
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      FileLock shared = locks.lock(revision, true);
      boolean complete = false;
      try {
        complete = isComplete(revision);
        if (complete) {
          touch(revision);
          return shared;
        }
      } finally {
        if (!complete) {
          shared.release();
        }
      }
      FileLock exclusive = locks.lock(revision, false);
      try {
        if (!isComplete(revision)) {
          make(revision, maker);
        }
      } finally {
        exclusive.release();
      }
      owner.prune();
    }
    throw new IOException("somebody deletes " + revision + " as soon as it is made");
  }

  private void make(String revision, RevisionCache.Maker maker)
      throws IOException, InterruptedException {
    Path place = revisions.resolve(revision);
    Path unfinished = Files.createDirectory(scratch.next());
    try {
      Path source = Files.createDirectory(unfinished.resolve(SOURCE));
      maker.make(source);
      Files.writeString(unfinished.resolve(COMPLETE), Tally.of(source).toString());
      if (Files.exists(place)) {
        LOG.log(Level.WARNING, "{0} is damaged and made again", place);
        garbage.take(place);
      }
      Files.move(unfinished, place, StandardCopyOption.ATOMIC_MOVE);
      synchronized (MONITOR) {
        verified.add(revision);
      }
    } finally {
      if (Files.exists(unfinished)) {
        garbage.take(unfinished);
        garbage.clean();
      }
    }
  }

  private boolean isComplete(String revision) throws IOException {
    Path place = revisions.resolve(revision);
    try {
      String made = Files.readString(place.resolve(COMPLETE));
      synchronized (MONITOR) {
        if (verified.contains(revision)) {
          return true;
        }
      }
      boolean complete = made.equals(Tally.of(place.resolve(SOURCE)).toString());
      if (complete) {
        synchronized (MONITOR) {
          verified.add(revision);
        }
      }
      return complete;
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  private void touch(String revision) {
    try {
      Files.setLastModifiedTime(
          revisions.resolve(revision).resolve(COMPLETE), FileTime.from(Instant.now()));
    } catch (IOException e) {
      LOG.log(Level.WARNING, "cannot note that " + revision + " is used", e);
    }
  }

  /** Deletes revisions that nobody uses, starting with the one that was not used for longest. */
  void prune(int most, Duration age) {
    record Kept(String revision, Instant lastUse) {}
    List<Kept> all = new ArrayList<>();
    try (DirectoryStream<Path> places = Files.newDirectoryStream(revisions)) {
      for (Path place : places) {
        all.add(new Kept(place.getFileName().toString(), lastUse(place)));
      }
      all.sort(Comparator.comparing(Kept::lastUse).reversed().thenComparing(Kept::revision));
      Instant oldest = Instant.now().minus(age);
      for (int i = 0; i < all.size(); i++) {
        if (i >= most || all.get(i).lastUse().isBefore(oldest)) {
          delete(all.get(i).revision());
        }
      }
    } catch (IOException | UncheckedIOException e) {
      LOG.log(Level.WARNING, "cannot delete old revisions in " + revisions, e);
    }
    garbage.clean();
  }

  private static Instant lastUse(Path place) throws IOException {
    try {
      return Files.getLastModifiedTime(place.resolve(COMPLETE)).toInstant();
    } catch (NoSuchFileException e) {
      return Instant.EPOCH;
    }
  }

  private void delete(String revision) throws IOException {
    synchronized (MONITOR) {
      if (uses.containsKey(revision) || flights.containsKey(revision)) {
        return;
      }
      Optional<FileLock> exclusive = locks.tryLock(revision, false);
      if (exclusive.isEmpty()) {
        return;
      }
      try {
        verified.remove(revision);
        garbage.take(revisions.resolve(revision));
      } catch (NoSuchFileException e) {
        LOG.log(Level.DEBUG, "another process deleted " + revision, e);
      } finally {
        exclusive.get().release();
      }
    }
  }

  private void release(String revision) {
    Use use = uses.get(revision);
    use.count--;
    if (use.count == 0) {
      uses.remove(revision);
      touch(revision);
      try {
        use.lock.release();
        closeIfUnused();
      } catch (IOException e) {
        throw new UncheckedIOException("cannot unlock " + revision, e);
      }
    }
  }

  @Override
  public String toString() {
    return folder.toString();
  }

  private final class Lease implements PackageSet {

    private final String revision;
    private final AtomicBoolean closed = new AtomicBoolean();

    Lease(String revision) {
      this.revision = revision;
    }

    @Override
    public Path path() {
      return revisions.resolve(revision).resolve(SOURCE);
    }

    @Override
    public void close() {
      if (closed.compareAndSet(false, true)) {
        synchronized (MONITOR) {
          release(revision);
        }
      }
    }
  }
}

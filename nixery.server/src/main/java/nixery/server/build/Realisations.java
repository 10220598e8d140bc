package nixery.server.build;

import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import nixery.image.PathInfo;
import nixery.image.ReferenceGraph;
import nixery.image.StorePath;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import nixery.server.metrics.Metrics;
import nixery.server.metrics.Phase;
import nixery.server.nix.GcRoots;
import nixery.server.nix.Nix;
import nixery.server.nix.NixListener;
import nixery.server.nix.Resolved;

/**
 * Has packages built, and remembers those that it had built lately with their closures, so that Nix
 * is not asked about them again. What is remembered is kept from the garbage collector, for an hour
 * after its last use at most, and is bounded. Thread-safe.
 */
final class Realisations implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(Realisations.class.getName());

  private static final long MAX_BYTES = Math.min(16 << 20, Runtime.getRuntime().maxMemory() / 16);
  private static final Duration MAX_AGE = Duration.ofHours(1);

  /** What a path and its references take in memory, about. */
  private static final int PATH_SIZE = 512;

  private final Nix nix;
  private final Metrics metrics;
  private final BoundedCache<Resolved.Found, Known> known =
      new BoundedCache<>(MAX_BYTES, Known::size, gone -> gone.shared.release());
  private final ExecutorService describing = Executors.newVirtualThreadPerTaskExecutor();
  private final Thread sweeper = Thread.ofVirtual().name("realisations").start(this::sweep);

  Realisations(Nix nix, Metrics metrics) {
    this.nix = nix;
    this.metrics = metrics;
  }

  /** What was realised at once. It is let go when nobody uses it any more. */
  private static final class Shared {
    private final GcRoots roots;
    private final ReferenceGraph graph;
    private int users;

    Shared(GcRoots roots, ReferenceGraph graph) {
      this.roots = roots;
      this.graph = graph;
    }

    /** Returns whether it is still held. */
    synchronized boolean retain() {
      if (users < 0) {
        return false;
      }
      users++;
      return true;
    }

    void release() {
      synchronized (this) {
        if (--users > 0) {
          return;
        }
        users = -1;
      }
      roots.close();
    }
  }

  /** A package that was realised, perhaps with others. */
  private static final class Known {
    private final Shared shared;
    private final SortedSet<StorePath> outputs;
    private final long size;
    private volatile long used = System.nanoTime();

    /** Creates one that accounts for its part of what so many packages share. */
    Known(Shared shared, SortedSet<StorePath> outputs, int packages) {
      this.shared = shared;
      this.outputs = outputs;
      this.size = Math.ceilDiv((long) PATH_SIZE * shared.graph.paths().size(), packages);
    }

    long size() {
      return size;
    }
  }

  /** Packages that are in the store, and stay there until this is closed. */
  static final class Realised implements AutoCloseable {
    private final List<Shared> held;
    private final ReferenceGraph closure;

    private Realised(List<Shared> held, ReferenceGraph closure) {
      this.held = held;
      this.closure = closure;
    }

    ReferenceGraph closure() {
      return closure;
    }

    @Override
    public void close() {
      held.forEach(Shared::release);
    }
  }

  /**
   * Has packages built that are not known to be in the store.
   *
   * @param packages all of an image
   * @param log is told what Nix does
   * @return the packages, for the caller to close
   */
  Realised realise(List<Resolved.Found> packages, NixListener log) throws InterruptedException {
    List<Shared> held = new ArrayList<>();
    Map<StorePath, PathInfo> infos = new TreeMap<>();
    List<Resolved.Found> missing = new ArrayList<>();
    boolean done = false;
    try {
      for (Resolved.Found found : packages) {
        Known before = known.find(found).orElse(null);
        if (before != null && before.shared.retain()) {
          held.add(before.shared);
          if (isThere(before)) {
            before.used = System.nanoTime();
            collect(before, infos);
            continue;
          }
          known.remove(found);
        }
        missing.add(found);
      }
      if (!missing.isEmpty()) {
        Shared shared = realiseNow(missing, log);
        held.add(shared);
        for (Resolved.Found found : missing) {
          collect(remember(found, shared, missing.size()), infos);
        }
      }
      Realised realised = new Realised(held, ReferenceGraph.of(infos.values()));
      done = true;
      return realised;
    } finally {
      if (!done) {
        held.forEach(Shared::release);
      }
    }
  }

  /** Realises packages, and returns them retained once, for the caller. */
  private Shared realiseNow(List<Resolved.Found> packages, NixListener log)
      throws InterruptedException {
    // What seems to be there is described while Nix makes sure of it.
    Optional<Future<ReferenceGraph>> early =
        ImageBuilder.outputs(packages).stream().allMatch(nix::hasPath)
            ? Optional.of(describing.submit(() -> closure(packages)))
            : Optional.empty();
    Optional<GcRoots> roots = Optional.empty();
    boolean done = false;
    try {
      roots = Optional.of(metrics.time(Phase.REALISE, () -> nix.realise(packages, log)));
      ReferenceGraph graph = metrics.time(Phase.CLOSURE, () -> closure(early, packages));
      Shared shared = new Shared(roots.get(), graph);
      done = shared.retain();
      return shared;
    } finally {
      early.ifPresent(description -> description.cancel(true));
      if (!done) {
        roots.ifPresent(GcRoots::close);
      }
    }
  }

  /** Returns what was described early, if all of it was there indeed; else describes it now. */
  private ReferenceGraph closure(
      Optional<Future<ReferenceGraph>> early, List<Resolved.Found> packages)
      throws InterruptedException {
    if (early.isPresent()) {
      try {
        return early.get().get();
      } catch (ExecutionException e) {
        LOG.log(System.Logger.Level.DEBUG, "was not there, but seemed to be", e.getCause());
      }
    }
    return closure(packages);
  }

  private ReferenceGraph closure(List<Resolved.Found> packages) throws InterruptedException {
    try {
      return ReferenceGraph.parseDump(
          new StringReader(nix.dumpClosure(ImageBuilder.outputs(packages))));
    } catch (IOException | IllegalArgumentException e) {
      throw new Failure(FailureCode.NIX_UNAVAILABLE, "Nix's answer cannot be understood", e);
    }
  }

  private Known remember(Resolved.Found found, Shared shared, int packages) {
    SortedSet<StorePath> outputs = new TreeSet<>();
    ImageBuilder.outputs(List.of(found)).forEach(path -> outputs.add(StorePath.parse(path)));
    Known remembered = new Known(shared, outputs, packages);
    shared.retain();
    known.put(found, remembered);
    return remembered;
  }

  private static void collect(Known remembered, Map<StorePath, PathInfo> infos) {
    ReferenceGraph graph = remembered.shared.graph;
    graph.closure(remembered.outputs).forEach(path -> infos.put(path, graph.info(path)));
  }

  /** Tells whether nobody has deleted what nobody should delete. */
  private boolean isThere(Known remembered) {
    return Files.isDirectory(remembered.shared.roots.folder())
        && remembered.outputs.stream().allMatch(path -> nix.hasPath(path.toString()));
  }

  /** Forgets packages that could not be used. */
  void forget(List<Resolved.Found> packages) {
    packages.forEach(known::remove);
  }

  private void sweep() {
    try {
      while (true) {
        Thread.sleep(MAX_AGE.dividedBy(6));
        long now = System.nanoTime();
        known
            .snapshot()
            .forEach((found, remembered) -> {
              if (now - remembered.used > MAX_AGE.toNanos()) {
                known.remove(found);
              }
            });
      }
    } catch (InterruptedException e) {
      LOG.log(System.Logger.Level.DEBUG, "closed");
    }
  }

  /** Lets go of everything. */
  @Override
  public void close() {
    sweeper.interrupt();
    describing.shutdownNow();
    describing.close();
    known.clear();
  }
}

package nixery.source.git;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import nixery.api.Scratch;
import nixery.api.source.SourceUnavailableException;
import org.eclipse.jgit.errors.MissingObjectException;
import org.eclipse.jgit.lib.EmptyProgressMonitor;
import org.eclipse.jgit.lib.ObjectId;
import org.eclipse.jgit.lib.Ref;
import org.eclipse.jgit.lib.RefUpdate;
import org.eclipse.jgit.lib.Repository;
import org.eclipse.jgit.lib.StoredConfig;
import org.eclipse.jgit.storage.file.FileRepositoryBuilder;
import org.eclipse.jgit.transport.BasePackFetchConnection;
import org.eclipse.jgit.transport.FetchConnection;
import org.eclipse.jgit.transport.RefSpec;
import org.eclipse.jgit.transport.TagOpt;
import org.eclipse.jgit.transport.Transport;

/**
 * A repository that is reached through the network.
 *
 * <p>Commits are fetched without their history, into a bare repository that is kept until this is
 * closed: fetching the next commit then costs what has changed. It is thrown away when it has
 * become large or is damaged.
 */
final class NetworkRepository implements GitRepository {

  /** What was fetched is remembered under this prefix, so that the server is told of it. */
  private static final String FETCHED = "refs/nixery/";

  private static final int MOST_PACKS = 32;

  /** How far back a commit is searched for where it cannot be asked for. */
  private static final int DEEPEST = 1000;

  private final Connections connections;
  private final RepositoryAddress address;
  private final Scratch scratch;

  /** Held while fetching, and not while files are written. */
  private final ReentrantLock lock = new ReentrantLock();

  private Store store;

  /** Where what was fetched is. */
  private static final class Store {
    final Path folder;
    int readers;

    Store(Path folder) {
      this.folder = folder;
    }

    void deleteUnlessRead() throws IOException {
      if (readers == 0) {
        Scratch.deleteTree(folder);
      }
    }
  }

  /**
   * Makes one; nothing is connected yet.
   *
   * @param connections opens connections
   * @param address of the repository
   * @param scratch for what is fetched
   */
  NetworkRepository(Connections connections, RepositoryAddress address, Scratch scratch) {
    this.connections = connections;
    this.address = address;
    this.scratch = scratch;
    this.store = new Store(scratch.next());
  }

  @Override
  public Map<String, ObjectId> refs(Collection<String> prefixes) {
    try (Transport transport = connections.open(address)) {
      Map<String, ObjectId> peeled = new HashMap<>();
      advertised(transport, prefixes)
          .forEach((name, ref) ->
              peeled.put(
                  name,
                  ref.getPeeledObjectId() == null ? ref.getObjectId() : ref.getPeeledObjectId()));
      return peeled;
    } catch (IOException e) {
      throw connections.unavailable(address, e);
    }
  }

  private static Map<String, Ref> advertised(Transport transport, Collection<String> prefixes)
      throws IOException {
    Map<String, Ref> refs = new HashMap<>();
    try (FetchConnection connection =
        transport.openFetch(List.of(), prefixes.toArray(String[]::new))) {
      if (!(connection instanceof BasePackFetchConnection)) {
        throw new IOException("the server has only files, and not git's protocol");
      }
      for (Ref ref : connection.getRefs()) {
        if (ref.getObjectId() != null) {
          refs.put(ref.getName(), ref);
        }
      }
    }
    return refs;
  }

  @Override
  public List<Submodule> export(
      ObjectId commit, Path target, Allowance allowance, Deadline deadline)
      throws IOException, MissingCommitException {
    try {
      lock.lockInterruptibly();
    } catch (InterruptedException e) {
      throw connections.unavailable(address, e);
    }
    Optional<Store> fetched;
    try {
      deadline.start();
      fetched = fetch(commit, deadline);
    } catch (IOException | SourceUnavailableException e) {
      discard(); // Whatever JGit left behind, such as lock files.
      throw e;
    } finally {
      lock.unlock();
    }
    return fetched.isPresent()
        ? exportFrom(fetched.get(), commit, target, allowance)
        : exportFromRefs(commit, target, allowance, deadline);
  }

  /** Returns the store that a commit is in, for {@link #leave}; empty if the server refuses. */
  private Optional<Store> fetch(ObjectId commit, Deadline deadline)
      throws IOException, MissingCommitException {
    discardIfLarge();
    try (Repository fetched = open(store.folder)) {
      if (fetched.exactRef(FETCHED + commit.name()) == null) {
        try {
          fetch(fetched, List.of(new RefSpec(commit.name())), 1, deadline);
        } catch (RefusedException e) {
          return Optional.empty();
        }
        if (!fetched.getObjectDatabase().has(commit)) {
          throw new MissingCommitException();
        }
        RefUpdate update = fetched.updateRef(FETCHED + commit.name());
        update.setNewObjectId(commit);
        update.forceUpdate();
      }
    }
    store.readers++;
    return Optional.of(store);
  }

  private List<Submodule> exportFrom(
      Store fetched, ObjectId commit, Path target, Allowance allowance) throws IOException {
    boolean damaged = false;
    try (Repository repository = open(fetched.folder)) {
      return write(repository, commit, target, allowance);
    } catch (IOException | SourceUnavailableException e) {
      damaged = true;
      throw e;
    } finally {
      leave(fetched, damaged);
    }
  }

  private List<Submodule> write(
      Repository fetched, ObjectId commit, Path target, Allowance allowance) throws IOException {
    try {
      return new CommitExport(fetched, allowance).write(commit, target);
    } catch (MissingObjectException e) {
      throw new SourceUnavailableException(
          "%s sent commit %s without all of its files.".formatted(address, commit.name()), e);
    }
  }

  private void leave(Store left, boolean damaged) throws IOException {
    lock.lock();
    try {
      left.readers--;
      if (left != store) {
        left.deleteUnlessRead();
      } else if (damaged) {
        discard();
      }
    } finally {
      lock.unlock();
    }
  }

  private static Repository open(Path folder) throws IOException {
    Repository repository =
        new FileRepositoryBuilder().setBare().setGitDir(folder.toFile()).build();
    if (!Files.exists(folder)) {
      repository.create(true);
      // JGit must not tidy up in the background: the folder may be deleted at any time.
      StoredConfig config = repository.getConfig();
      config.setInt("gc", null, "auto", 0);
      config.setInt("gc", null, "autoPackLimit", 0);
      config.setBoolean("gc", null, "autoDetach", false);
      config.save();
    }
    return repository;
  }

  private void discardIfLarge() throws IOException {
    Path packs = store.folder.resolve("objects").resolve("pack");
    if (!Files.exists(packs)) {
      return;
    }
    long count;
    try (Stream<Path> files = Files.list(packs)) {
      count = files.filter(file -> file.toString().endsWith(".pack")).count();
    }
    if (count >= MOST_PACKS) {
      discard();
    }
  }

  private void discard() throws IOException {
    Store old = store;
    store = new Store(scratch.next());
    old.deleteUnlessRead();
  }

  /** Says that the server does not give out what it was asked for. */
  private static final class RefusedException extends Exception {
    private static final long serialVersionUID = 1;

    RefusedException(Throwable cause) {
      super(cause.getMessage(), cause);
    }
  }

  private void fetch(Repository fetched, List<RefSpec> specs, int depth, Deadline deadline)
      throws RefusedException {
    try (Transport transport = connections.open(fetched, address)) {
      transport.setTagOpt(TagOpt.NO_TAGS);
      transport.setDepth(depth);
      transport.fetch(
          new EmptyProgressMonitor() {
            @Override
            public boolean isCancelled() {
              return deadline.isOver();
            }
          },
          specs);
    } catch (IOException e) {
      if (Connections.isRefusal(e)) {
        throw new RefusedException(e);
      }
      throw connections.unavailable(address, e);
    }
    if (deadline.isOver()) {
      throw connections.unavailable(address, new InterruptedIOException("interrupted"));
    }
  }

  /**
   * Exports a commit that the server did not give out by itself.
   *
   * <p>A server that knows the second version of the protocol gives out every commit that it has
   * (git) or that is in the history of a ref (JGit): then there is no such commit. It is told by
   * its having nothing to say about a ref that does not exist. The older ones give all their refs
   * instead, and no commits but those that refs point to. Then the ref is fetched that leads to the
   * commit, or else, not very deep, all of them.
   */
  private List<Submodule> exportFromRefs(
      ObjectId commit, Path target, Allowance allowance, Deadline deadline)
      throws IOException, MissingCommitException {
    Collection<Ref> refs = listUnlessModern();
    if (refs.isEmpty()) {
      throw new MissingCommitException();
    }
    Optional<Ref> tip =
        refs.stream()
            .filter(
                ref -> commit.equals(ref.getObjectId()) || commit.equals(ref.getPeeledObjectId()))
            .findFirst();
    List<RefSpec> specs =
        tip.isPresent()
            ? List.of(new RefSpec("+" + tip.get().getName() + ":refs/tip"))
            : List.of(
                new RefSpec("+refs/heads/*:refs/heads/*"), new RefSpec("+refs/tags/*:refs/tags/*"));
    Path history = scratch.next();
    try (Repository fetched = open(history)) {
      fetch(fetched, specs, tip.isPresent() ? 1 : DEEPEST, deadline);
      if (!fetched.getObjectDatabase().has(commit)) {
        throw new MissingCommitException();
      }
      return write(fetched, commit, target, allowance);
    } catch (RefusedException e) {
      throw connections.unavailable(address, e.getCause());
    } finally {
      Scratch.deleteTree(history);
    }
  }

  private Collection<Ref> listUnlessModern() {
    try (Transport transport = connections.open(address)) {
      return advertised(transport, List.of("refs/nixery/none")).values();
    } catch (IOException e) {
      throw connections.unavailable(address, e);
    }
  }

  @Override
  public void close() throws IOException {
    lock.lock();
    try {
      discard();
    } finally {
      lock.unlock();
    }
  }
}

package nixery.source.git;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import nixery.api.source.SourceUnavailableException;
import org.eclipse.jgit.errors.MissingObjectException;
import org.eclipse.jgit.lib.ObjectId;
import org.eclipse.jgit.lib.Ref;
import org.eclipse.jgit.lib.RefDatabase;
import org.eclipse.jgit.lib.Repository;
import org.eclipse.jgit.lib.RepositoryCache;
import org.eclipse.jgit.storage.file.FileRepositoryBuilder;
import org.eclipse.jgit.util.FS;

/** A repository on this machine, which is read where it is. */
final class LocalRepository implements GitRepository {

  private final RepositoryAddress address;
  private final Path path;

  /**
   * Makes one.
   *
   * @param address for messages
   * @param path of the repository, its work tree or its {@code .git}
   */
  LocalRepository(RepositoryAddress address, Path path) {
    this.address = address;
    this.path = path;
  }

  private Repository open() {
    File folder = RepositoryCache.FileKey.resolve(path.toFile(), FS.DETECTED);
    if (folder == null) {
      throw new SourceUnavailableException(
          "There is no git repository at %s, or it cannot be read.".formatted(address));
    }
    try {
      return new FileRepositoryBuilder().setGitDir(folder).setMustExist(true).build();
    } catch (IOException e) {
      throw unavailable(e);
    }
  }

  private SourceUnavailableException unavailable(IOException e) {
    return new SourceUnavailableException("%s cannot be read: %s".formatted(address, e), e);
  }

  @Override
  public Map<String, ObjectId> refs(Collection<String> prefixes) {
    try (Repository repository = open()) {
      RefDatabase database = repository.getRefDatabase();
      Map<String, ObjectId> refs = new HashMap<>();
      for (String prefix : prefixes) {
        for (Ref ref : prefix.equals("HEAD") ? head(database) : database.getRefsByPrefix(prefix)) {
          Ref peeled = database.peel(ref);
          ObjectId id =
              peeled.getPeeledObjectId() == null
                  ? peeled.getObjectId()
                  : peeled.getPeeledObjectId();
          if (id != null) {
            refs.put(ref.getName(), id);
          }
        }
      }
      return refs;
    } catch (IOException e) {
      throw unavailable(e);
    }
  }

  private static List<Ref> head(RefDatabase database) throws IOException {
    Ref head = database.exactRef("HEAD");
    return head == null ? List.of() : List.of(head);
  }

  @Override
  public List<Submodule> export(
      ObjectId commit, Path target, Allowance allowance, Deadline deadline)
      throws IOException, MissingCommitException {
    deadline.start();
    try (Repository repository = open()) {
      if (!repository.getObjectDatabase().has(commit)) {
        throw new MissingCommitException();
      }
      return new CommitExport(repository, allowance).write(commit, target);
    } catch (MissingObjectException e) {
      throw unavailable(e);
    }
  }

  @Override
  public void close() {
    // Nothing is kept.
  }
}

package nixery.source.git;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import nixery.api.source.SourceUnavailableException;
import org.eclipse.jgit.lib.ObjectId;

/** A repository, here or elsewhere, that commits can be exported from. Thread-safe. */
interface GitRepository extends AutoCloseable {

  /** Says that the repository does not have a commit. */
  final class MissingCommitException extends Exception {
    private static final long serialVersionUID = 1;
  }

  /**
   * Returns refs and what they point to, tags peeled.
   *
   * @param prefixes what the names must begin with, such as {@code refs/tags/v1}; there may be
   *     others in the result
   * @return ids by full name
   * @throws SourceUnavailableException if they cannot be found out
   */
  Map<String, ObjectId> refs(Collection<String> prefixes);

  /**
   * Writes the files of a commit.
   *
   * @param commit its id, or that of a tag of it
   * @param target an empty folder
   * @param allowance what may still be written
   * @param deadline of the calling thread, which is started here; waiting for others to fetch from
   *     the same repository does not count
   * @return the submodules, which are still empty folders
   * @throws MissingCommitException if the repository does not have it
   * @throws SourceUnavailableException if it cannot be fetched
   * @throws IOException if it cannot be written
   */
  List<Submodule> export(ObjectId commit, Path target, Allowance allowance, Deadline deadline)
      throws IOException, MissingCommitException;

  /** Gives up what was fetched. */
  @Override
  void close() throws IOException;
}

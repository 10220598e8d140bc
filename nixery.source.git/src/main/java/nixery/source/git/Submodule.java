package nixery.source.git;

import java.nio.file.Path;
import java.util.Optional;
import org.eclipse.jgit.lib.ObjectId;

/**
 * A submodule, as a commit has it.
 *
 * @param path its path in the repository
 * @param folder the empty folder that was made for it
 * @param commit what belongs there
 * @param url the address in {@code .gitmodules}, if there is one and it is to be fetched
 */
record Submodule(String path, Path folder, ObjectId commit, Optional<String> url) {}

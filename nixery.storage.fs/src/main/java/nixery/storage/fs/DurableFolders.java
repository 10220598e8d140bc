package nixery.storage.fs;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Makes folders that survive a crash of the machine, and the names in them with them. */
final class DurableFolders {

  /** How many folders are remembered; more than that are only forced to disk again. */
  private static final int REMEMBERED = 10_000;

  /** Folders whose names this process has forced to disk, since another may just have made them. */
  private final Set<Path> durable = ConcurrentHashMap.newKeySet();

  /**
   * Makes a folder and those above it, as far as they are not there.
   *
   * @param folder an absolute path
   * @throws FileAlreadyExistsException if something else is in its place
   */
  void make(Path folder) throws IOException {
    boolean there = Files.isDirectory(folder);
    if (there && durable.contains(folder)) {
      return;
    }
    Path parent = folder.getParent();
    if (!there) {
      make(parent);
      try {
        Files.createDirectory(folder);
      } catch (FileAlreadyExistsException e) {
        if (!Files.isDirectory(folder)) {
          throw e;
        }
      }
    }
    sync(parent);
    if (durable.size() >= REMEMBERED) {
      durable.clear();
    }
    durable.add(folder);
  }

  /** Forces the names of the files in a folder to disk. */
  static void sync(Path folder) throws IOException {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}

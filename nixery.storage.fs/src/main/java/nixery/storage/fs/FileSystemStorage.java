package nixery.storage.fs;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import nixery.api.Scratch;
import nixery.api.storage.Content;
import nixery.api.storage.Delivery;
import nixery.api.storage.Key;
import nixery.api.storage.Storage;
import nixery.api.storage.StorageException;
import nixery.api.storage.StoredObject;
import nixery.api.storage.VersionedRecord;

/**
 * Storage in a folder, laid out as the package says. What is there was renamed into its place when
 * it was complete and on the disk, and so needs no repair after a crash.
 */
final class FileSystemStorage implements Storage {

  /** A record's version is a random UUID, so that equal values have different versions. */
  private static final int VERSION_LENGTH = 36;

  private static final int HEAD_LENGTH = VERSION_LENGTH + 1;

  private final KeyTree objects;
  private final KeyTree records;
  private final DurableFolders folders;
  private final FolderLock lock;
  private final Spool spool;

  private FileSystemStorage(Path root, DurableFolders folders, Spool spool) {
    this.objects = new KeyTree(root.resolve("objects"));
    this.records = new KeyTree(root.resolve("records"));
    this.folders = folders;
    this.lock = new FolderLock(root.resolve("lock"));
    this.spool = spool;
  }

  /**
   * Opens the storage, and makes sure that files can be written, moved and locked.
   *
   * @param folder where; made if it is not there
   * @throws IOException if the folder cannot be used, for the reason that the type says
   */
  static FileSystemStorage open(Path folder) throws IOException {
    DurableFolders folders = new DurableFolders();
    folders.make(folder.toAbsolutePath());
    Path root = folder.toRealPath();
    folders.make(root.resolve("spool"));
    Spool spool = new Spool(Scratch.open(root.resolve("spool")));
    FileSystemStorage storage = new FileSystemStorage(root, folders, spool);
    try {
      storage.probe();
      return storage;
    } catch (IOException | RuntimeException e) {
      storage.close();
      throw e;
    }
  }

  private void probe() throws IOException {
    for (KeyTree tree : List.of(objects, records)) {
      folders.make(tree.root());
      Path file = spool.write(new byte[0], new byte[0]);
      Path moved = tree.root().resolve(".probe");
      try {
        lock.holding(() -> Files.move(file, moved, StandardCopyOption.ATOMIC_MOVE));
      } finally {
        Files.deleteIfExists(file);
        Files.deleteIfExists(moved);
      }
    }
  }

  @Override
  public void put(Key key, Content content) {
    Path file = objects.file(key);
    try {
      if (!Files.exists(file)) {
        Path ready = spool.take(content);
        try {
          folders.make(file.getParent());
          lock.holding(() -> Files.exists(file) ? file : rename(ready, file));
        } finally {
          Files.deleteIfExists(ready);
        }
      }
      // Also when it was there: whoever put it there may not have come as far as this.
      DurableFolders.sync(file.getParent());
    } catch (IOException e) {
      throw failure("store", key, e);
    }
  }

  @Override
  public Optional<Long> stat(Key key) {
    try {
      return Optional.of(Files.size(objects.file(key)));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw failure("look at", key, e);
    }
  }

  @Override
  public Optional<StoredObject> open(Key key, long offset) {
    try {
      FileChannel channel = FileChannel.open(objects.file(key), StandardOpenOption.READ);
      try {
        long length = channel.size();
        if (offset < 0 || offset > length) {
          throw new StorageException(
              "cannot read %s from byte %d: it has %d".formatted(key, offset, length));
        }
        channel.position(offset);
        return Optional.of(new StoredObject(length, Channels.newInputStream(channel)));
      } catch (IOException | RuntimeException e) {
        channel.close();
        throw e;
      }
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw failure("read", key, e);
    }
  }

  @Override
  public Optional<Delivery> deliver(Key key) {
    return stat(key).map(length -> new Delivery.LocalFile(objects.file(key), length));
  }

  @Override
  public boolean delete(Key key) {
    try {
      return Files.deleteIfExists(objects.file(key));
    } catch (IOException e) {
      throw failure("delete", key, e);
    }
  }

  @Override
  public Stream<Key> list(String prefix) {
    return Stream.concat(objects.list(prefix), records.list(prefix));
  }

  @Override
  public Optional<VersionedRecord> readRecord(Key key) {
    try (InputStream in = Files.newInputStream(records.file(key))) {
      String version = readVersion(key, in);
      return Optional.of(new VersionedRecord(in.readNBytes(MAX_RECORD), version));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw failure("read", key, e);
    }
  }

  @Override
  public Optional<String> writeRecord(Key key, byte[] value, Optional<String> expected) {
    if (value.length > MAX_RECORD) {
      throw new IllegalArgumentException(
          "record %s has %d bytes: %d are allowed".formatted(key, value.length, MAX_RECORD));
    }
    Path file = records.file(key);
    String version = UUID.randomUUID().toString();
    try {
      Path ready = spool.write((version + "\n").getBytes(US_ASCII), value);
      try {
        folders.make(file.getParent());
        boolean written =
            lock.holding(() -> {
              boolean same = version(key).equals(expected);
              if (same) {
                rename(ready, file);
              }
              return same;
            });
        if (!written) {
          return Optional.empty();
        }
      } finally {
        Files.deleteIfExists(ready);
      }
      DurableFolders.sync(file.getParent());
      return Optional.of(version);
    } catch (IOException e) {
      throw failure("write", key, e);
    }
  }

  @Override
  public boolean removeRecord(Key key, String expected) {
    Path file = records.file(key);
    try {
      boolean removed =
          lock.holding(
              () -> version(key).equals(Optional.of(expected)) && Files.deleteIfExists(file));
      if (removed) {
        DurableFolders.sync(file.getParent());
      }
      return removed;
    } catch (IOException e) {
      throw failure("remove", key, e);
    }
  }

  private Optional<String> version(Key key) throws IOException {
    try (InputStream in = Files.newInputStream(records.file(key))) {
      return Optional.of(readVersion(key, in));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  private String readVersion(Key key, InputStream in) throws IOException {
    byte[] head = in.readNBytes(HEAD_LENGTH);
    if (head.length < HEAD_LENGTH || head[VERSION_LENGTH] != '\n') {
      throw new StorageException("%s is no record: delete the file".formatted(records.file(key)));
    }
    return new String(Arrays.copyOf(head, VERSION_LENGTH), US_ASCII);
  }

  private static Path rename(Path ready, Path file) throws IOException {
    return Files.move(ready, file, StandardCopyOption.ATOMIC_MOVE);
  }

  private static StorageException failure(String verb, Key key, IOException e) {
    return new StorageException("cannot %s %s: %s".formatted(verb, key, e.getMessage()), e);
  }

  @Override
  public Optional<Path> spool() {
    return Optional.of(spool.folder());
  }

  @Override
  public void close() {
    spool.close();
  }
}

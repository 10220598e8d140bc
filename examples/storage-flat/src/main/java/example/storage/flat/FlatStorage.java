package example.storage.flat;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
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
 * Storage in two flat folders: {@code objects} and {@code records} hold one file for each key, with
 * {@code +}, which no key contains, in place of slashes. A record's file begins with its version.
 *
 * <p>Files are written in {@code incoming} and renamed into their place when they are complete and
 * on the disk, under a lock that all processes respect. That is all there is to atomicity here.
 */
final class FlatStorage implements Storage {

  /** A version is a random UUID, so that equal values written twice have different versions. */
  private static final int VERSION_LENGTH = 36;

  /** The operating system's locks exclude processes; threads of one process take turns here. */
  private static final ReentrantLock THREADS = new ReentrantLock();

  private final Path objects;
  private final Path records;
  private final Path lock;

  /** A folder of this process alone; those of crashed processes are swept when it is made. */
  private final Scratch incoming;

  FlatStorage(Path folder) throws IOException {
    objects = Files.createDirectories(folder.resolve("objects"));
    records = Files.createDirectories(folder.resolve("records"));
    lock = folder.resolve("lock");
    incoming = Scratch.open(folder.resolve("incoming"));
  }

  private static Path file(Path folder, Key key) {
    return folder.resolve(key.value().replace('/', '+'));
  }

  // Objects

  @Override
  public void put(Key key, Content content) {
    Path file = file(objects, key);
    try {
      if (!Files.exists(file)) {
        Path complete = incoming.next();
        try {
          write(content, complete);
          locked(() -> Files.exists(file) ? file : rename(complete, file));
        } finally {
          Files.deleteIfExists(complete);
        }
      }
      sync(objects);
    } catch (IOException e) {
      throw failure("store", key, e);
    }
  }

  /** Writes the content to the disk and makes sure that it is what it promises to be. */
  private static void write(Content content, Path target) throws IOException {
    MessageDigest sha256 = sha256();
    try (InputStream in = content.open();
        FileChannel channel =
            FileChannel.open(target, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        OutputStream out = new DigestOutputStream(Channels.newOutputStream(channel), sha256)) {
      long length = in.transferTo(out);
      if (length != content.length()
          || !HexFormat.of().formatHex(sha256.digest()).equals(content.sha256())) {
        throw new StorageException(
            "expected %d bytes with SHA-256 %s, but found others in %d"
                .formatted(content.length(), content.sha256(), length));
      }
      channel.force(true);
    }
  }

  @Override
  public Optional<Long> stat(Key key) {
    try {
      return Optional.of(Files.size(file(objects, key)));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw failure("look at", key, e);
    }
  }

  @Override
  public Optional<StoredObject> open(Key key, long offset) {
    try {
      FileChannel channel = FileChannel.open(file(objects, key), StandardOpenOption.READ);
      long length = channel.size();
      if (offset < 0 || offset > length) {
        channel.close();
        throw new StorageException("%s has %d bytes, not %d".formatted(key, length, offset));
      }
      return Optional.of(
          new StoredObject(length, Channels.newInputStream(channel.position(offset))));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw failure("read", key, e);
    }
  }

  @Override
  public Optional<Delivery> deliver(Key key) {
    // Storage with files says which; Delivery.Streamed would have the server call open().
    return stat(key).map(length -> new Delivery.LocalFile(file(objects, key), length));
  }

  @Override
  public boolean delete(Key key) {
    try {
      return Files.deleteIfExists(file(objects, key));
    } catch (IOException e) {
      throw failure("delete", key, e);
    }
  }

  @Override
  public Stream<Key> list(String prefix) {
    List<Key> keys = new ArrayList<>();
    for (Path folder : List.of(objects, records)) {
      try (Stream<Path> files = Files.list(folder)) {
        files
            .flatMap(file -> Key.parse(file.getFileName().toString().replace('+', '/')).stream())
            .filter(key -> key.value().startsWith(prefix))
            .forEach(keys::add);
      } catch (IOException | UncheckedIOException e) {
        throw new StorageException("cannot list %s: %s".formatted(folder, e), e);
      }
    }
    return keys.stream();
  }

  // Records

  @Override
  public Optional<VersionedRecord> readRecord(Key key) {
    try {
      byte[] bytes = Files.readAllBytes(file(records, key));
      String version = new String(bytes, 0, VERSION_LENGTH, US_ASCII);
      byte[] value = Arrays.copyOfRange(bytes, VERSION_LENGTH, bytes.length);
      return Optional.of(new VersionedRecord(value, version));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw failure("read", key, e);
    }
  }

  private Optional<String> version(Key key) {
    return readRecord(key).map(VersionedRecord::version);
  }

  @Override
  public Optional<String> writeRecord(Key key, byte[] value, Optional<String> expected) {
    if (value.length > MAX_RECORD) {
      throw new IllegalArgumentException(key + " has more than " + MAX_RECORD + " bytes");
    }
    String version = UUID.randomUUID().toString();
    byte[] bytes = Arrays.copyOf(version.getBytes(US_ASCII), VERSION_LENGTH + value.length);
    System.arraycopy(value, 0, bytes, VERSION_LENGTH, value.length);
    Path complete = incoming.next();
    try {
      try {
        write(Content.of(bytes, "application/octet-stream"), complete);
        return locked(() -> {
          if (!version(key).equals(expected)) {
            return Optional.empty();
          }
          rename(complete, file(records, key));
          sync(records);
          return Optional.of(version);
        });
      } finally {
        Files.deleteIfExists(complete);
      }
    } catch (IOException e) {
      throw failure("write", key, e);
    }
  }

  @Override
  public boolean removeRecord(Key key, String expected) {
    try {
      return locked(() ->
          version(key).equals(Optional.of(expected)) && Files.deleteIfExists(file(records, key)));
    } catch (IOException e) {
      throw failure("remove", key, e);
    }
  }

  // Files

  private interface Work<T> {
    T run() throws IOException;
  }

  private <T> T locked(Work<T> work) throws IOException {
    THREADS.lock();
    try (FileChannel channel =
        FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      channel.lock(); // until the channel is closed or the process dies
      return work.run();
    } finally {
      THREADS.unlock();
    }
  }

  private static Path rename(Path complete, Path file) throws IOException {
    return Files.move(complete, file, StandardCopyOption.ATOMIC_MOVE);
  }

  /** Makes what was renamed survive a crash of the machine. */
  private static void sync(Path folder) throws IOException {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new LinkageError("every Java runtime has SHA-256", e);
    }
  }

  private static StorageException failure(String verb, Key key, IOException e) {
    return new StorageException("cannot %s %s: %s".formatted(verb, key, e), e);
  }

  @Override
  public Optional<Path> spool() {
    return Optional.empty(); // put copies, so that layers can be packed anywhere
  }

  @Override
  public void close() {
    incoming.close();
  }
}

package nixery.storage.fs;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import nixery.api.storage.Content;
import nixery.api.storage.Key;
import nixery.api.storage.Storage;
import nixery.api.storage.StorageException;
import nixery.api.storage.VersionedRecord;

/** A second server process, as far as the storage can tell. */
final class StorageProcess {

  static final Key COUNTER = Key.of("counters", "one");

  private static final String TYPE = "application/octet-stream";

  private final Storage storage;

  private StorageProcess(Storage storage) {
    this.storage = storage;
  }

  /** Starts a process that does what the task says. Its errors go where those of the tests go. */
  static Process start(Path folder, String task) throws IOException {
    return start(List.of(), folder, task);
  }

  /** Starts one by way of another command that is given the java command. */
  static Process start(List<String> wrapper, Path folder, String task) throws IOException {
    List<String> command = new ArrayList<>(wrapper);
    command.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx256m",
            "-cp",
            System.getProperty("java.class.path"),
            StorageProcess.class.getName(),
            folder.toString(),
            task));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  /** Waits for a line that the process prints. */
  static String line(BufferedReader output) throws IOException {
    return Optional.ofNullable(output.readLine()).orElse("the process has ended");
  }

  public static void main(String[] arguments) throws Exception {
    try (Storage storage = FileSystemStorage.open(Path.of(arguments[0]))) {
      StorageProcess process = new StorageProcess(storage);
      switch (arguments[1]) {
        case "store" -> process.storeForEver();
        case "count" -> process.count(100);
        case "store-too-much" -> process.storeTooMuch();
        default -> throw new IllegalArgumentException(arguments[1]);
      }
    }
  }

  private void storeForEver() throws Exception {
    Random random = new Random();
    for (int i = 0; true; i++) {
      byte[] bytes = new byte[1_000_000 + random.nextInt(8_000_000)];
      random.nextBytes(bytes);
      String sha256 = sha256(bytes);
      Path file = Files.write(storage.spool().orElseThrow().resolve(sha256), bytes);
      storage.put(Key.of("blobs", sha256), Content.ofFile(file, bytes.length, sha256, TYPE));
      byte[] copied = Arrays.copyOf(bytes, 500_000);
      storage.put(Key.of("blobs", sha256(copied)), Content.of(copied, TYPE));
      byte[] value = Arrays.copyOf(bytes, Storage.MAX_RECORD - random.nextInt(100_000));
      replace(Key.of("records", Integer.toString(i % 3)), withSha256(value));
      if (i == 0) {
        System.out.println("stored");
      }
    }
  }

  private void replace(Key key, byte[] value) {
    Optional<String> version = storage.readRecord(key).map(VersionedRecord::version);
    storage.writeRecord(key, value, version);
  }

  private void count(int times) {
    int counted = 0;
    while (counted < times) {
      VersionedRecord record = storage.readRecord(COUNTER).orElseThrow();
      int next = Integer.parseInt(new String(record.bytes(), UTF_8)) + 1;
      byte[] value = Integer.toString(next).getBytes(UTF_8);
      Optional<String> version = Optional.of(record.version());
      counted += storage.writeRecord(COUNTER, value, version).isPresent() ? 1 : 0;
    }
  }

  /** Stores objects of growing size until the system refuses, and says what is left of the last. */
  private void storeTooMuch() throws IOException {
    for (int size = 100_000; true; size *= 2) {
      byte[] bytes = new byte[size];
      Key key = Key.of("blobs", sha256(bytes));
      try {
        storage.put(key, Content.of(bytes, TYPE));
      } catch (StorageException e) {
        System.out.println(e.getMessage().contains("too large") ? "refused" : e.toString());
        System.out.println(storage.stat(key));
        try (var left = Files.list(storage.spool().orElseThrow())) {
          System.out.println(left.toList());
        }
        return;
      }
    }
  }

  /** Returns the bytes with their own digest at the end. */
  private static byte[] withSha256(byte[] bytes) {
    byte[] sealed = Arrays.copyOf(bytes, bytes.length);
    byte[] digest = sha256(Arrays.copyOf(bytes, bytes.length - 64)).getBytes(UTF_8);
    System.arraycopy(digest, 0, sealed, bytes.length - 64, 64);
    return sealed;
  }

  /** Tells whether bytes end with the digest of those before. */
  static boolean hasSha256(byte[] bytes) {
    return Arrays.equals(bytes, withSha256(bytes));
  }

  static String sha256(byte[] bytes) {
    return Content.of(bytes, TYPE).sha256();
  }
}

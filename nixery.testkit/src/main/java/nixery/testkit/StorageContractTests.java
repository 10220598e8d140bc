package nixery.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static nixery.testkit.ObjectAssertions.assertNoObject;
import static nixery.testkit.ObjectAssertions.assertObject;
import static nixery.testkit.ObjectAssertions.digest;
import static nixery.testkit.ObjectAssertions.read;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import nixery.api.PluginContext;
import nixery.api.storage.Content;
import nixery.api.storage.Key;
import nixery.api.storage.Storage;
import nixery.api.storage.StorageException;
import nixery.api.storage.StorageProvider;
import nixery.api.storage.StoredObject;
import nixery.api.storage.VersionedRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The contract of {@link Storage} and {@link StorageProvider}. A plugin's test class extends this
 * and says how the plugin is opened.
 *
 * <p>Each test needs a storage that is empty, such as a new folder or a new prefix in a bucket.
 * Within a test it is opened several times with the same environment, as server processes that
 * share it would do. A few tests write objects of 20 MB.
 */
public abstract non-sealed class StorageContractTests extends PluginContractTests {

  private static final String TYPE = "application/octet-stream";
  private static final int BIG = 20_000_000;
  private static final Key KEY = Key.of("blobs", "0123abc");

  private Storage storage;

  /** For JUnit, which makes a new one for each test. */
  protected StorageContractTests() {}

  @Override
  protected abstract StorageProvider provider();

  @Override
  final void openAndClose(PluginContext context) {
    provider().open(context).close();
  }

  @BeforeEach
  void openStorage() {
    storage = provider().open(context());
  }

  @AfterEach
  void closeStorage() {
    if (storage != null) {
      storage.close();
    }
  }

  // Objects

  @Test
  void hasNothingAtFirst() {
    assertNoObject(storage, KEY);
    assertThat(storage.delete(KEY)).isFalse();
    assertThat(storage.readRecord(KEY)).isEmpty();
    assertThat(list("")).isEmpty();
  }

  @Test
  void givesBackWhatWasPut() throws Exception {
    byte[] bytes = Bytes.random(1, 10_000);

    storage.put(KEY, Content.of(bytes, TYPE));

    assertObject(storage, KEY, bytes);
    assertThat(list("")).containsExactly(KEY);
  }

  @Test
  void keepsTheEmptyObject() throws Exception {
    storage.put(KEY, Content.of(new byte[0], TYPE));

    assertObject(storage, KEY, new byte[0]);
  }

  @Test
  void keepsABigObjectFromMemory() throws Exception {
    byte[] bytes = Bytes.random(2, BIG);

    storage.put(KEY, Content.of(bytes, TYPE));

    assertObject(storage, KEY, bytes);
  }

  @Test
  void keepsABigObjectFromAFileOfItsSpool() throws Exception {
    byte[] bytes = Bytes.random(3, BIG);
    Path spool = storage.spool().orElse(temporary);
    assertThat(spool).isAbsolute().isDirectory().isWritable();
    Path file = Files.write(spool.resolve("packed"), bytes);

    storage.put(KEY, Content.ofFile(file, BIG, Bytes.sha256(bytes), TYPE));
    Files.deleteIfExists(file);

    assertObject(storage, KEY, bytes);
  }

  @Test
  void keepsAFileFromElsewhereThatIsDeletedAfterwards() throws Exception {
    byte[] bytes = Bytes.random(4, 100_000);
    Path file = Files.write(temporary.resolve("elsewhere"), bytes);

    storage.put(KEY, Content.ofFile(file, bytes.length, Bytes.sha256(bytes), TYPE));
    Files.deleteIfExists(file);

    assertObject(storage, KEY, bytes);
  }

  @Test
  void readsFromAnyOffset() throws Exception {
    byte[] bytes = Bytes.random(5, 300_000);
    storage.put(KEY, Content.of(bytes, TYPE));

    for (int offset : List.of(0, 1, 8191, 8192, 150_000, 299_999, 300_000)) {
      try (StoredObject object = storage.open(KEY, offset).orElseThrow()) {
        assertThat(object.length()).isEqualTo(bytes.length);
        assertThat(object.stream().readAllBytes())
            .as("from %s", offset)
            .isEqualTo(Arrays.copyOfRange(bytes, offset, bytes.length));
      }
    }
  }

  @Test
  void refusesToReadFromBeyondTheEnd() {
    storage.put(KEY, Content.of(new byte[10], TYPE));

    assertThatThrownBy(() -> storage.open(KEY, 11)).isInstanceOf(StorageException.class);
    assertThatThrownBy(() -> storage.open(KEY, Long.MAX_VALUE))
        .isInstanceOf(StorageException.class);
  }

  @Test
  void letsReadersLeaveEarly() throws Exception {
    byte[] bytes = Bytes.random(6, BIG);
    storage.put(KEY, Content.of(bytes, TYPE));

    for (int i = 0; i < 50; i++) {
      try (StoredObject object = storage.open(KEY, i).orElseThrow()) {
        assertThat(object.stream().read()).isEqualTo(bytes[i] & 0xff);
      }
    }
    assertObject(storage, KEY, bytes);
  }

  @Test
  void doesNothingWhenTheObjectIsThere() throws Exception {
    byte[] bytes = Bytes.random(7, 1000);
    storage.put(KEY, Content.of(bytes, TYPE));

    storage.put(KEY, Content.of(bytes, TYPE));
    Path file = Files.write(storage.spool().orElse(temporary).resolve("again"), bytes);
    storage.put(KEY, Content.ofFile(file, bytes.length, Bytes.sha256(bytes), TYPE));
    Files.deleteIfExists(file);
    storage.put(KEY, Content.of(Bytes.random(8, 500), TYPE));

    assertObject(storage, KEY, bytes);
    assertThat(list("")).containsExactly(KEY);
  }

  @Test
  void storesTheSameContentUnderSeveralKeys() throws Exception {
    Content content = Content.of(Bytes.random(9, 1000), TYPE);
    Key other = Key.of("blobs", "other");

    storage.put(KEY, content);
    storage.put(other, content);
    storage.delete(KEY);

    assertNoObject(storage, KEY);
    assertObject(storage, other, Bytes.random(9, 1000));
  }

  @Test
  void refusesBytesThatAreNotWhatWasPromised() throws Exception {
    byte[] bytes = Bytes.random(10, 50_000);
    String sha256 = Bytes.sha256(bytes);

    for (Path folder : List.of(temporary, storage.spool().orElse(temporary))) {
      assertRefused(folder, bytes, bytes.length, Bytes.sha256(new byte[0]));
      assertRefused(folder, bytes, bytes.length + 1, sha256);
      assertRefused(folder, bytes, bytes.length - 1, sha256);
      assertRefused(folder, bytes, 0, Bytes.sha256(new byte[0]));
      assertRefused(folder, new byte[0], bytes.length, sha256);
    }
    storage.put(KEY, Content.of(bytes, TYPE));
    assertObject(storage, KEY, bytes);
  }

  private void assertRefused(Path folder, byte[] bytes, long length, String sha256)
      throws IOException {
    Path file = Files.write(folder.resolve("wrong"), bytes);
    assertThatThrownBy(() -> storage.put(KEY, Content.ofFile(file, length, sha256, TYPE)))
        .isInstanceOf(StorageException.class);
    Files.deleteIfExists(file);
    assertNoObject(storage, KEY);
    assertThat(list("")).isEmpty();
  }

  @Test
  void refusesAFileThatIsNotThere() {
    String sha256 = Bytes.sha256(new byte[1]);
    Content content = Content.ofFile(temporary.resolve("none"), 1, sha256, TYPE);

    assertThatThrownBy(() -> storage.put(KEY, content)).isInstanceOf(StorageException.class);
    assertNoObject(storage, KEY);
  }

  @Test
  void showsNothingOfWrongBytesWhileTheyAreStored() throws Exception {
    byte[] bytes = Bytes.random(11, BIG);
    Path file = Files.write(storage.spool().orElse(temporary).resolve("wrong"), bytes);
    Content wrong = Content.ofFile(file, BIG, Bytes.sha256(new byte[0]), TYPE);
    AtomicBoolean done = new AtomicBoolean();
    Callable<Boolean> writer =
        () -> {
          try {
            storage.put(KEY, wrong);
            return true;
          } catch (StorageException e) {
            return false;
          } finally {
            done.set(true);
          }
        };
    Callable<Boolean> reader =
        () -> {
          boolean seen = false;
          while (!done.get()) {
            seen |= storage.stat(KEY).isPresent();
          }
          return seen;
        };

    assertThat(Together.run(List.of(writer, reader))).containsExactly(false, false);
  }

  @Test
  void showsAnObjectToReadersEntirelyOrNotAtAll() throws Exception {
    byte[] bytes = Bytes.random(12, BIG);
    String sha256 = Bytes.sha256(bytes);
    try (Storage other = provider().open(context())) {
      AtomicBoolean done = new AtomicBoolean();
      Callable<List<String>> writer =
          () -> {
            try {
              storage.put(KEY, Content.of(bytes, TYPE));
              return List.of(sha256);
            } finally {
              done.set(true);
            }
          };
      Callable<List<String>> reader =
          () -> {
            List<String> seen = new ArrayList<>();
            boolean last;
            do {
              last = done.get();
              Optional<Long> length = other.stat(KEY);
              Optional<String> digest = digest(other, KEY);
              length.ifPresent(present -> assertThat(present).isEqualTo(BIG));
              if (length.isPresent()) {
                assertThat(digest).isPresent();
              }
              digest.ifPresent(seen::add);
            } while (!last && seen.size() < 3);
            return seen.isEmpty() ? List.of("never seen") : seen;
          };

      assertThat(Together.run(List.of(writer, reader, reader)))
          .allSatisfy(seen -> assertThat(seen).containsOnly(sha256));
    }
  }

  @Test
  void acceptsSeveralPutsOfOneKeyAtATime() throws Exception {
    byte[] bytes = Bytes.random(13, 2_000_000);
    try (Storage other = provider().open(context())) {
      List<Callable<String>> writers = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        Storage mine = i % 2 == 0 ? storage : other;
        writers.add(() -> {
          mine.put(KEY, Content.of(bytes, TYPE));
          return digest(mine, KEY).orElse("none");
        });
      }

      assertThat(Together.run(writers)).hasSize(6).containsOnly(Bytes.sha256(bytes));
      assertObject(storage, KEY, bytes);
    }
  }

  @Test
  void neverChangesAnObjectThatSomebodyHasSeen() throws Exception {
    try (Storage other = provider().open(context())) {
      List<Callable<String>> writers = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        Storage mine = i % 2 == 0 ? storage : other;
        byte[] bytes = Bytes.random(100 + i, 100_000);
        writers.add(() -> {
          mine.put(KEY, Content.of(bytes, TYPE));
          return digest(mine, KEY).orElse("none");
        });
      }

      List<String> seen = Together.run(writers);

      assertThat(seen).hasSize(6).containsOnly(digest(storage, KEY).orElseThrow());
    }
  }

  @Test
  void deletesAnObject() throws Exception {
    byte[] bytes = Bytes.random(14, 1000);
    storage.put(KEY, Content.of(bytes, TYPE));

    assertThat(storage.delete(KEY)).isTrue();

    assertNoObject(storage, KEY);
    assertThat(list("")).isEmpty();
    assertThat(storage.delete(KEY)).isFalse();
    storage.put(KEY, Content.of(bytes, TYPE));
    assertObject(storage, KEY, bytes);
  }

  // Several processes

  @Test
  void showsEachProcessWhatTheOthersDid() throws Exception {
    byte[] bytes = Bytes.random(15, 1000);
    Key record = Key.of("leases", "one");
    try (Storage other = provider().open(context())) {
      other.put(KEY, Content.of(bytes, TYPE));
      assertObject(storage, KEY, bytes);

      String version = storage.writeRecord(record, bytes, Optional.empty()).orElseThrow();
      assertThat(other.readRecord(record)).contains(new VersionedRecord(bytes, version));
      assertThat(other.removeRecord(record, version)).isTrue();
      assertThat(storage.readRecord(record)).isEmpty();

      assertThat(storage.delete(KEY)).isTrue();
      assertNoObject(other, KEY);
    }
  }

  @Test
  void keepsWhatIsThereWhenAProcessEnds() throws Exception {
    byte[] bytes = Bytes.random(16, 1000);
    Key record = Key.of("leases", "one");
    String version;
    try (Storage other = provider().open(context())) {
      other.put(KEY, Content.of(bytes, TYPE));
      version = other.writeRecord(record, bytes, Optional.empty()).orElseThrow();
    }

    assertObject(storage, KEY, bytes);
    try (Storage later = provider().open(context())) {
      assertObject(later, KEY, bytes);
      assertThat(later.readRecord(record)).contains(new VersionedRecord(bytes, version));
    }
  }

  @Test
  void leavesTheSpoolOfOtherProcessesAlone() throws Exception {
    byte[] bytes = Bytes.random(17, 1000);
    Path file = Files.write(storage.spool().orElse(temporary).resolve("packed"), bytes);

    openAndClose(context());

    assertThat(file).hasBinaryContent(bytes);
    storage.put(KEY, Content.ofFile(file, bytes.length, Bytes.sha256(bytes), TYPE));
    assertObject(storage, KEY, bytes);
  }

  // Keys

  @Test
  void keepsKeysOfAllFormsApart() throws Exception {
    List<Key> keys =
        Stream.of(
                "a",
                "a/b",
                "a/b/c",
                "a/bc",
                "ab",
                "ab/c",
                "a.b",
                "a-b",
                "a_b",
                "a..b",
                "a.",
                "a-",
                "a_",
                "0",
                "0/0",
                "00",
                "con",
                "nul.txt",
                "a.lock",
                "x/a.tmp",
                "abcdefghijklmnopqrstuvwxyz/0123456789/z._-",
                "blobs/" + "ab".repeat(32),
                "a".repeat(Key.MAX_LENGTH),
                "b/".repeat(Key.MAX_LENGTH / 2 - 1) + "bb")
            .map(Key::new)
            .toList();
    Map<Key, byte[]> expected = new HashMap<>();
    for (Key key : keys) {
      expected.put(key, key.value().getBytes(UTF_8));
      storage.put(key, Content.of(expected.get(key), TYPE));
    }

    assertThat(list("")).containsExactlyInAnyOrderElementsOf(keys);
    for (Key key : keys) {
      assertThat(read(storage, key)).as("%s", key).contains(expected.get(key));
    }

    storage.delete(new Key("a"));
    storage.delete(new Key("a/b"));
    assertThat(list("a")).contains(new Key("a/b/c")).doesNotContain(new Key("a"), new Key("a/b"));
  }

  @Test
  void keepsRecordKeysApartWhereOneBeginsAnother() {
    List<Key> keys = Stream.of("r", "r/s", "r/s/t", "rs").map(Key::new).toList();
    for (Key key : keys) {
      assertThat(storage.writeRecord(key, key.value().getBytes(UTF_8), Optional.empty()))
          .isPresent();
    }

    for (Key key : keys) {
      assertThat(storage.readRecord(key).orElseThrow().bytes())
          .isEqualTo(key.value().getBytes(UTF_8));
    }
    assertThat(list("r/")).containsExactlyInAnyOrder(keys.get(1), keys.get(2));
  }

  @Test
  void listsByPrefixWhereverItEnds() {
    List<String> blobs =
        Stream.of("00ab", "00ac", "0", "01", "f", "ff/x", "ff/y").map("blobs/"::concat).toList();
    for (String blob : blobs) {
      storage.put(new Key(blob), Content.of(blob.getBytes(UTF_8), TYPE));
    }
    storage.put(new Key("blobsize"), Content.of(new byte[1], TYPE));
    storage.writeRecord(new Key("builds/00ab"), new byte[1], Optional.empty());

    List<String> all = new ArrayList<>(blobs);
    all.addAll(List.of("blobsize", "builds/00ab"));
    for (String prefix :
        List.of(
            "",
            "b",
            "bl",
            "blobs",
            "blobs/",
            "blobs/0",
            "blobs/00",
            "blobs/00a",
            "blobs/00ab",
            "blobs/00ab/",
            "blobs/00abc",
            "blobs/f",
            "blobs/ff",
            "blobs/ff/",
            "blobs/ff/x",
            "bu",
            "builds/",
            "builds/00ab",
            "c",
            "/",
            "//",
            ".",
            "..",
            "../",
            "blobs/../",
            "blobs//",
            "B",
            "*",
            "b*",
            "?",
            " ",
            "\0",
            "_",
            "_00",
            "blobs/_00",
            "b".repeat(500))) {
      assertThat(list(prefix))
          .as("prefix '%s'", prefix)
          .extracting(Key::value)
          .containsExactlyInAnyOrderElementsOf(
              all.stream().filter(key -> key.startsWith(prefix)).toList());
    }
  }

  @Test
  void listsWhileWhatIsListedIsDeleted() {
    for (int i = 0; i < 40; i++) {
      storage.put(Key.of("old", "key-" + i), Content.of(new byte[] {(byte) i}, TYPE));
    }

    int deleted = 0;
    try (Stream<Key> keys = storage.list("old/")) {
      for (Key key : (Iterable<Key>) keys::iterator) {
        deleted += storage.delete(key) ? 1 : 0;
      }
    }

    assertThat(deleted).isEqualTo(40);
    assertThat(list("")).isEmpty();
  }

  @Test
  void letsAListingBeAbandoned() {
    for (int i = 0; i < 5; i++) {
      storage.put(Key.of("a" + i, "b"), Content.of(new byte[] {(byte) i}, TYPE));
    }

    try (Stream<Key> keys = storage.list("")) {
      assertThat(keys.findFirst()).isPresent();
    }
    assertThat(list("")).hasSize(5);
  }

  // Records

  @Test
  void createsReplacesAndRemovesARecord() {
    Key key = Key.of("leases", "one");

    String first = storage.writeRecord(key, bytes("first"), Optional.empty()).orElseThrow();
    assertThat(storage.readRecord(key)).contains(new VersionedRecord(bytes("first"), first));
    assertThat(list("leases/")).containsExactly(key);

    String second = storage.writeRecord(key, bytes("second"), Optional.of(first)).orElseThrow();
    assertThat(storage.readRecord(key)).contains(new VersionedRecord(bytes("second"), second));

    assertThat(storage.removeRecord(key, second)).isTrue();
    assertThat(storage.readRecord(key)).isEmpty();
    assertThat(list("")).isEmpty();
  }

  @Test
  void changesNoRecordThatIsNotAsExpected() {
    Key key = Key.of("leases", "one");

    assertThat(storage.writeRecord(key, bytes("x"), Optional.of("1"))).isEmpty();
    assertThat(storage.removeRecord(key, "1")).isFalse();
    assertThat(storage.readRecord(key)).isEmpty();

    String first = storage.writeRecord(key, bytes("first"), Optional.empty()).orElseThrow();
    assertThat(storage.writeRecord(key, bytes("x"), Optional.empty())).isEmpty();
    assertThat(storage.writeRecord(key, bytes("x"), Optional.of("no version"))).isEmpty();
    assertThat(storage.removeRecord(key, "no version")).isFalse();
    assertThat(storage.removeRecord(key, "")).isFalse();
    assertThat(storage.readRecord(key)).contains(new VersionedRecord(bytes("first"), first));
  }

  @Test
  void knowsVersionsOfEqualRecordsApart() {
    Key key = Key.of("leases", "one");
    String first = storage.writeRecord(key, bytes("a"), Optional.empty()).orElseThrow();
    String second = storage.writeRecord(key, bytes("b"), Optional.of(first)).orElseThrow();
    String third = storage.writeRecord(key, bytes("a"), Optional.of(second)).orElseThrow();

    assertThat(storage.writeRecord(key, bytes("x"), Optional.of(first))).isEmpty();
    assertThat(storage.removeRecord(key, first)).isFalse();

    assertThat(storage.removeRecord(key, third)).isTrue();
    String again = storage.writeRecord(key, bytes("a"), Optional.empty()).orElseThrow();
    assertThat(storage.removeRecord(key, third)).isFalse();
    assertThat(storage.readRecord(key)).contains(new VersionedRecord(bytes("a"), again));
  }

  @Test
  void keepsRecordsOfAllSizesUpToTheLargest() {
    for (int size : List.of(0, 1, 4096, Storage.MAX_RECORD)) {
      Key key = Key.of("sizes", Integer.toString(size));
      byte[] value = Bytes.random(size, size);
      String version = storage.writeRecord(key, value, Optional.empty()).orElseThrow();

      assertThat(storage.readRecord(key)).contains(new VersionedRecord(value, version));
    }
  }

  @Test
  void refusesARecordThatIsTooLarge() {
    Key key = Key.of("sizes", "too-large");
    byte[] value = new byte[Storage.MAX_RECORD + 1];

    assertThatThrownBy(() -> storage.writeRecord(key, value, Optional.empty()))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(storage.readRecord(key)).isEmpty();
  }

  @Test
  void letsExactlyOneWriterWin() throws Exception {
    Key key = Key.of("leases", "contended");
    try (Storage other = provider().open(context())) {
      Optional<String> expected = Optional.empty();
      for (int round = 0; round < 10; round++) {
        Optional<String> before = expected;
        List<Callable<Optional<String>>> writers = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
          Storage mine = i % 2 == 0 ? storage : other;
          // Half of them write the same, which must not make them equal.
          byte[] value = bytes("round " + round + (i < 4 ? "" : " writer " + i));
          writers.add(() -> mine.writeRecord(key, value, before));
        }

        List<String> winners = Together.run(writers).stream().flatMap(Optional::stream).toList();

        assertThat(winners).as("round %s", round).hasSize(1);
        expected = Optional.of(winners.getFirst());
        assertThat(storage.readRecord(key).map(VersionedRecord::version)).isEqualTo(expected);
      }
    }
  }

  @Test
  void letsEitherAWriterOrARemoverWin() throws Exception {
    Key key = Key.of("leases", "contended");
    try (Storage other = provider().open(context())) {
      for (int round = 0; round < 10; round++) {
        String version = storage.writeRecord(key, bytes("a"), Optional.empty()).orElseThrow();
        List<Boolean> won =
            Together.run(
                List.of(
                    () -> storage.removeRecord(key, version),
                    () -> other.writeRecord(key, bytes("b"), Optional.of(version)).isPresent(),
                    () -> other.removeRecord(key, version)));

        assertThat(won).containsOnlyOnce(true);
        Optional<VersionedRecord> left = storage.readRecord(key);
        assertThat(left.isPresent()).isEqualTo(won.get(1));
        left.ifPresent(record -> storage.removeRecord(key, record.version()));
      }
    }
  }

  @Test
  void losesNoUpdate() throws Exception {
    Key key = Key.of("counters", "one");
    storage.writeRecord(key, bytes("0"), Optional.empty());
    try (Storage other = provider().open(context())) {
      List<Callable<Boolean>> counters = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        Storage mine = i % 2 == 0 ? storage : other;
        counters.add(() -> {
          int counted = 0;
          while (counted < 15) {
            counted += increment(mine, key) ? 1 : 0;
          }
          return true;
        });
      }
      Together.run(counters);

      assertThat(storage.readRecord(key).orElseThrow().bytes()).isEqualTo(bytes("60"));
    }
  }

  private static boolean increment(Storage storage, Key key) {
    VersionedRecord record = storage.readRecord(key).orElseThrow();
    int next = Integer.parseInt(new String(record.bytes(), UTF_8)) + 1;
    return storage
        .writeRecord(key, bytes(Integer.toString(next)), Optional.of(record.version()))
        .isPresent();
  }

  // What the tests say

  private static byte[] bytes(String text) {
    return text.getBytes(UTF_8);
  }

  private List<Key> list(String prefix) {
    try (Stream<Key> keys = storage.list(prefix)) {
      return keys.toList();
    }
  }
}

package nixery.storage.gcs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Predicate;
import java.util.stream.Stream;
import nixery.api.storage.Content;
import nixery.api.storage.Delivery;
import nixery.api.storage.Key;
import nixery.api.storage.Storage;
import nixery.api.storage.StorageException;
import nixery.api.storage.StoredObject;
import nixery.api.storage.VersionedRecord;
import nixery.storage.gcs.fake.FakeGcs;
import nixery.storage.gcs.fake.Faults.Kind;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the contract does not ask: failures of the service, and what is said to it. */
@Timeout(120)
class GcsStorageTests {

  private static final Key KEY = Key.of("blobs", "abc");
  private static final Key RECORD = Key.of("leases", "abc");
  private static final byte[] SMALL = random(1, 10_000);

  /** Three chunks, the last of which is not full. */
  private static final byte[] BIG = random(2, (16 << 20) + 1000);

  @TempDir Path folder;
  private GcsTestBucket bucket;
  private FakeGcs gcs;
  private Storage storage;

  @BeforeEach
  void open() {
    bucket = new GcsTestBucket(folder);
    gcs = bucket.gcs();
    storage = bucket.open();
  }

  @AfterEach
  void close() {
    storage.close();
    bucket.close();
  }

  private static boolean isUpload(String request) {
    return request.contains("/upload/");
  }

  private static boolean isChunk(String request) {
    return request.startsWith("PUT /upload/");
  }

  private static byte[] random(int seed, int length) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  private static String sha256(byte[] bytes) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
  }

  private Content file(byte[] bytes) throws Exception {
    Path file = Files.write(folder.resolve("content"), bytes);
    return Content.ofFile(file, bytes.length, sha256(bytes), "text/plain");
  }

  private byte[] read(Key key) throws IOException {
    try (StoredObject object = storage.open(key, 0).orElseThrow()) {
      return object.stream().readAllBytes();
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(UTF_8);
  }

  private List<String> requests(Predicate<String> wanted) {
    return gcs.requests().stream().filter(wanted).toList();
  }

  /** Returns all that a log would have of a failure. */
  private static String trace(Throwable failure) {
    StringWriter trace = new StringWriter();
    failure.printStackTrace(new PrintWriter(trace));
    return trace.toString();
  }

  // Uploads

  @Test
  void tellsTheServiceTheTypeAndChecksum() throws Exception {
    storage.put(KEY, file(BIG));
    storage.put(Key.of("blobs", "small"), Content.of(SMALL, "text/html"));

    assertThat(gcs.metadata(GcsTestBucket.NAME, "blobs/abc"))
        .contains("\"contentType\":\"text/plain\"");
    assertThat(gcs.metadata(GcsTestBucket.NAME, "blobs/small"))
        .contains("\"contentType\":\"text/html\"");
  }

  @Test
  void doesNotSendWhatIsThere() throws Exception {
    storage.put(KEY, file(BIG));
    int chunks = requests(GcsStorageTests::isChunk).size();

    storage.put(KEY, file(BIG));

    assertThat(requests(GcsStorageTests::isChunk)).hasSize(chunks);
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void uploadsDespiteAFailureOfAnyRequest(Kind kind) throws Exception {
    for (byte[] bytes : List.of(SMALL, BIG)) {
      int before = requests(GcsStorageTests::isUpload).size();
      storage.put(Key.of("blobs", "counted"), file(bytes));
      int requests = requests(GcsStorageTests::isUpload).size() - before;
      assertThat(storage.delete(Key.of("blobs", "counted"))).isTrue();

      for (int i = 0; i < requests; i++) {
        int struck = gcs.faults().struck();
        int[] position = {i};
        gcs.faults().next(kind, request -> isUpload(request) && position[0]-- == 0);

        storage.put(KEY, file(bytes));

        assertThat(gcs.faults().struck()).isEqualTo(struck + 1);
        assertThat(read(KEY)).isEqualTo(bytes);
        assertThat(storage.delete(KEY)).isTrue();
      }
    }
  }

  @Test
  void neverShowsBytesThatWereChangedOnTheWay() throws Exception {
    gcs.faults().always(Kind.CORRUPTED, GcsStorageTests::isUpload);

    for (byte[] bytes : List.of(SMALL, BIG)) {
      assertThatThrownBy(() -> storage.put(KEY, file(bytes)))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("400");
      assertThat(gcs.objects(GcsTestBucket.NAME)).isEmpty();
    }
  }

  @Test
  void neverShowsAnUploadThatStopsInTheMiddle() throws Exception {
    Storage impatient = bucket.openImpatiently(bucket.environment());
    for (Kind kind : List.of(Kind.UNAVAILABLE, Kind.CUT_REQUEST)) {
      int[] chunks = {0};
      gcs.faults().always(kind, request -> isChunk(request) && chunks[0]++ > 0);

      Throwable failure = catchThrowable(() -> impatient.put(KEY, file(BIG)));

      assertThat(failure).isInstanceOf(StorageException.class);
      assertThat(trace(failure))
          .doesNotContain("ya29.")
          .doesNotContainPattern("upload_id=[0-9a-f]");
      assertThat(gcs.objects(GcsTestBucket.NAME)).isEmpty();
      assertThat(storage.stat(KEY)).isEmpty();
      gcs.faults().clear();
    }

    impatient.put(KEY, file(BIG));
    impatient.close();
    assertThat(read(KEY)).isEqualTo(BIG);
  }

  /** Google's client believes that an upload is done when all bytes of it have arrived. */
  @Test
  void checksThatAnUploadHasBecomeAnObject() throws Exception {
    int[] chunks = {0};
    gcs.faults().always(Kind.UNFINISHED, request -> isChunk(request) && chunks[0]++ == 2);

    storage.put(KEY, file(BIG));

    assertThat(read(KEY)).isEqualTo(BIG);
    gcs.faults().clear();
    gcs.faults().always(Kind.UNFINISHED, GcsStorageTests::isChunk);
    try (Storage impatient = bucket.openImpatiently(bucket.environment())) {
      assertThatThrownBy(() -> impatient.put(Key.of("blobs", "never"), file(BIG)))
          .isInstanceOf(StorageException.class);
    }
  }

  @Test
  void neverShowsAFileThatBecomesShorterMeanwhile() throws Exception {
    Content content = file(BIG);
    duringTheFirstChunk(() -> {
      try (FileChannel channel =
          FileChannel.open(content.file().orElseThrow(), StandardOpenOption.WRITE)) {
        channel.truncate(9_000_000);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    });

    assertThatThrownBy(() -> storage.put(KEY, content)).isInstanceOf(StorageException.class);
    assertThat(gcs.objects(GcsTestBucket.NAME)).isEmpty();
  }

  @Test
  void neverShowsAFileThatIsChangedMeanwhile() throws Exception {
    Content content = file(BIG);
    duringTheFirstChunk(() -> {
      try {
        Files.write(content.file().orElseThrow(), random(3, BIG.length));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    });

    assertThatThrownBy(() -> storage.put(KEY, content)).isInstanceOf(StorageException.class);
    assertThat(gcs.objects(GcsTestBucket.NAME)).isEmpty();
  }

  private void duringTheFirstChunk(Runnable action) {
    int[] chunks = {0};
    gcs.faults()
        .always(
            Kind.SLOW,
            request -> {
              if (isChunk(request) && chunks[0]++ == 0) {
                action.run();
              }
              return false;
            });
  }

  @Test
  void startsAnewWhenTheServiceForgotTheUpload() throws Exception {
    duringTheFirstChunk(() -> gcs.forgetUploadSessions(GcsTestBucket.NAME));

    storage.put(KEY, file(BIG));

    assertThat(read(KEY)).isEqualTo(BIG);
  }

  @Test
  void isContentWhenAnotherFinishesFirst() throws Exception {
    try (Storage other = bucket.open()) {
      duringTheFirstChunk(() -> other.put(KEY, Content.of(SMALL, "text/plain")));

      storage.put(KEY, file(BIG));
    }

    assertThat(read(KEY)).isEqualTo(SMALL);
  }

  // Downloads

  @ParameterizedTest
  @EnumSource(Kind.class)
  void readsOnWhereTheConnectionWasLost(Kind kind) throws Exception {
    storage.put(KEY, file(BIG));
    for (int i = 0; i < 3; i++) {
      gcs.faults().next(kind, request -> request.contains("alt=media"));
    }

    assertThat(read(KEY)).isEqualTo(BIG);
  }

  @Test
  void neverEndsEarly() throws Exception {
    storage.put(KEY, file(BIG));
    gcs.faults().always(Kind.CUT_ANSWER, request -> request.contains("alt=media"));
    try (StoredObject object = storage.open(KEY, 0).orElseThrow()) {
      storage.delete(KEY);
      assertThatThrownBy(() -> object.stream().readAllBytes()).isInstanceOf(IOException.class);
    }
  }

  @Test
  void givesUpWhereEveryConnectionIsLostAtOnce() throws Exception {
    storage.put(KEY, file(BIG));
    gcs.faults().always(Kind.CUT_REQUEST, request -> request.contains("alt=media"));

    try (StoredObject object = storage.open(KEY, 0).orElseThrow()) {
      assertThatThrownBy(() -> object.stream().read()).isInstanceOf(IOException.class);
    }
  }

  // Records

  @ParameterizedTest
  @EnumSource(Kind.class)
  void keepsRecordsDespiteAFailure(Kind kind) {
    Predicate<String> any = request -> true;

    gcs.faults().next(kind, any);
    String first = storage.writeRecord(RECORD, bytes("1"), Optional.empty()).orElseThrow();
    gcs.faults().next(kind, any);
    String second = storage.writeRecord(RECORD, bytes("2"), Optional.of(first)).orElseThrow();
    gcs.faults().next(kind, any);
    assertThat(storage.readRecord(RECORD)).contains(new VersionedRecord(bytes("2"), second));
    gcs.faults().next(kind, request -> request.contains("alt=media"));
    assertThat(storage.readRecord(RECORD)).contains(new VersionedRecord(bytes("2"), second));
    gcs.faults().next(kind, any);
    assertThat(storage.writeRecord(RECORD, bytes("3"), Optional.of(first))).isEmpty();
    gcs.faults().next(kind, any);
    try (Stream<Key> keys = storage.list("")) {
      assertThat(keys).containsExactly(RECORD);
    }
  }

  @Test
  void knowsItsOwnRecordWhenTheAnswerWasLost() {
    int before = requests(GcsStorageTests::isUpload).size();
    gcs.faults().next(Kind.CUT_ANSWER, GcsStorageTests::isUpload);

    String version = storage.writeRecord(RECORD, bytes("1"), Optional.empty()).orElseThrow();

    assertThat(storage.readRecord(RECORD)).contains(new VersionedRecord(bytes("1"), version));
    assertThat(requests(GcsStorageTests::isUpload)).hasSize(before + 2);
  }

  @Test
  void saysNotThatItRemovedNothingWhenTheAnswerWasLost() {
    String version = storage.writeRecord(RECORD, bytes("1"), Optional.empty()).orElseThrow();
    gcs.faults().next(Kind.CUT_ANSWER, request -> request.startsWith("DELETE"));

    assertThatThrownBy(() -> storage.removeRecord(RECORD, version))
        .isInstanceOf(StorageException.class);
    assertThat(storage.readRecord(RECORD)).isEmpty();

    String again = storage.writeRecord(RECORD, bytes("2"), Optional.empty()).orElseThrow();
    gcs.faults().next(Kind.UNAVAILABLE, request -> request.startsWith("DELETE"));
    assertThat(storage.removeRecord(RECORD, again)).isTrue();
  }

  @Test
  void keepsRecordsOutOfCaches() {
    storage.writeRecord(RECORD, bytes("1"), Optional.empty());

    assertThat(gcs.metadata(GcsTestBucket.NAME, "leases/abc"))
        .contains("\"cacheControl\":\"no-store\"");
  }

  // The bucket

  @Test
  void saysThatTheBucketIsGoneAndRecovers() throws Exception {
    storage.put(KEY, Content.of(SMALL, "text/plain"));
    storage.put(Key.of("blobs", "big"), file(BIG));
    String version = storage.writeRecord(RECORD, bytes("1"), Optional.empty()).orElseThrow();
    FakeGcs.Detached gone = gcs.detach(GcsTestBucket.NAME);

    for (Runnable call :
        List.<Runnable>of(
            () -> storage.stat(KEY),
            () -> storage.open(KEY, 0),
            () -> storage.delete(KEY),
            () -> storage.deliver(Key.of("blobs", "not-seen")),
            () -> storage.put(Key.of("blobs", "new"), Content.of(SMALL, "text/plain")),
            () -> storage.put(Key.of("blobs", "new"), Content.of(BIG, "text/plain")),
            () -> storage.readRecord(RECORD),
            () -> storage.writeRecord(RECORD, bytes("2"), Optional.of(version)),
            () -> storage.removeRecord(RECORD, version),
            () -> storage.list("").forEach(key -> {}))) {
      assertThatThrownBy(call::run)
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("Google Cloud Storage");
    }

    gcs.attach(gone);
    assertThat(read(KEY)).isEqualTo(SMALL);
    assertThat(storage.stat(Key.of("blobs", "big"))).contains((long) BIG.length);
    assertThat(storage.removeRecord(RECORD, version)).isTrue();
  }

  @Test
  void leavesAloneWhatOthersPutInTheBucket() throws Exception {
    try (Storage other = bucket.open(withPrefix("Others"))) {
      other.put(KEY, Content.of(SMALL, "text/plain"));
    }
    storage.put(KEY, file(BIG));

    assertThat(storage.list("").toList()).containsExactly(KEY);
    try (Storage other = bucket.open(withPrefix("Others/"))) {
      assertThat(other.list("").toList()).containsExactly(KEY);
      assertThat(other.stat(KEY)).contains((long) SMALL.length);
    }
  }

  private Map<String, String> withPrefix(String prefix) {
    Map<String, String> environment = bucket.environment();
    environment.put("NIXERY_GCS_PREFIX", prefix);
    return environment;
  }

  @Test
  void keepsItsWordWhileManyRequestsFail() throws Exception {
    gcs.faults().random(0.1, 42);
    int stored = 0;
    int failed = 0;
    for (int i = 0; i < 20; i++) {
      byte[] bytes = Arrays.copyOf(BIG, 1000 + i * 400_000);
      Key key = Key.of("blobs", "n" + i);
      try {
        storage.put(key, file(bytes));
        stored++;
        String version =
            storage
                .writeRecord(Key.of("builds", "n" + i), bytes("x"), Optional.empty())
                .orElseThrow();
        assertThat(storage.readRecord(Key.of("builds", "n" + i)).orElseThrow().version())
            .isEqualTo(version);
      } catch (StorageException e) {
        failed++;
      }
    }
    gcs.faults().clear();

    assertThat(stored).isGreaterThan(15);
    assertThat(gcs.faults().struck()).isPositive();
    assertThat(failed).isLessThan(5);
    for (int i = 0; i < 20; i++) {
      Key key = Key.of("blobs", "n" + i);
      if (storage.stat(key).isPresent()) {
        assertThat(read(key)).isEqualTo(Arrays.copyOf(BIG, 1000 + i * 400_000));
      }
    }
    assertThat(storage.deliver(Key.of("blobs", "n0")).orElseThrow())
        .isEqualTo(new Delivery.Streamed(1000));
  }
}

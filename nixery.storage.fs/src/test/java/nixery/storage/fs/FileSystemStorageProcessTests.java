package nixery.storage.fs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import nixery.api.storage.Content;
import nixery.api.storage.Key;
import nixery.api.storage.Storage;
import nixery.api.storage.StoredObject;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What several real processes do to each other, and what is left when they are killed. */
@Timeout(300)
class FileSystemStorageProcessTests {

  private static final int KILLS = 12;

  @TempDir Path temporary;

  @Test
  void leavesNothingHalfWrittenWhenKilled() throws Exception {
    Path folder = temporary.resolve("storage");
    Random random = new Random();
    for (int kill = 0; kill < KILLS; kill++) {
      Process process = StorageProcess.start(folder, "store");
      try (BufferedReader output = process.inputReader(UTF_8)) {
        assertThat(StorageProcess.line(output)).isEqualTo("stored");
        Thread.sleep(random.nextInt(150));
      } finally {
        process.destroyForcibly();
      }
      assertThat(process.waitFor()).as("exit status after SIGKILL").isEqualTo(128 + 9);
      assertThat(files(folder.resolve("spool"))).as("what the killed process left").hasSize(2);

      try (Storage storage = FileSystemStorage.open(folder)) {
        assertThat(storage.spool().orElseThrow()).isEmptyDirectory();
        assertThat(files(folder.resolve("spool"))).as("lock and folder of this one").hasSize(2);
        assertWholeThenDelete(storage);
      }
      assertThat(files(folder.resolve("spool"))).isEmpty();
    }
  }

  private static void assertWholeThenDelete(Storage storage) throws IOException {
    List<Key> keys;
    try (Stream<Key> listed = storage.list("")) {
      keys = listed.toList();
    }
    assertThat(keys).as("what the process said it had stored").hasSizeGreaterThanOrEqualTo(3);
    for (Key key : keys) {
      if (key.value().startsWith("blobs/")) {
        try (StoredObject object = storage.open(key, 0).orElseThrow()) {
          String sha256 = StorageProcess.sha256(object.stream().readAllBytes());
          assertThat("blobs/" + sha256).isEqualTo(key.value());
        }
        assertThat(storage.delete(key)).isTrue();
      } else {
        byte[] value = storage.readRecord(key).orElseThrow().bytes();
        assertThat(StorageProcess.hasSha256(value)).as("%s is whole", key).isTrue();
      }
    }
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }

  @Test
  void losesNoUpdateOfSeveralProcesses() throws Exception {
    try (Storage storage = FileSystemStorage.open(temporary)) {
      storage.writeRecord(StorageProcess.COUNTER, "0".getBytes(UTF_8), Optional.empty());
      List<Process> processes = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        processes.add(StorageProcess.start(temporary, "count"));
      }
      for (Process process : processes) {
        assertThat(process.waitFor()).isZero();
      }

      assertThat(storage.readRecord(StorageProcess.COUNTER).orElseThrow().bytes())
          .asString(UTF_8)
          .isEqualTo("300");
    }
  }

  /** A limit on the size of files stands for a full disk: writing fails in the middle. */
  @Test
  void leavesNothingOfWhatCannotBeWrittenToItsEnd() throws Exception {
    List<String> limit = List.of("sh", "-c", "ulimit -f 2048 && exec \"$0\" \"$@\"");
    Process process = StorageProcess.start(limit, temporary, "store-too-much");
    try (BufferedReader output = process.inputReader(UTF_8)) {
      assertThat(output.lines().toList()).containsExactly("refused", "Optional.empty", "[]");
    }
    assertThat(process.waitFor()).isZero();

    try (Storage storage = FileSystemStorage.open(temporary);
        Stream<Key> keys = storage.list("")) {
      assertThat(keys).isNotEmpty();
      storage.put(Key.of("blobs", "later"), Content.of(new byte[4_000_000], "text/plain"));
    }
  }
}

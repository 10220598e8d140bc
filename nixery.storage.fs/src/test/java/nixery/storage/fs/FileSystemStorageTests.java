package nixery.storage.fs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import nixery.api.storage.Content;
import nixery.api.storage.Delivery;
import nixery.api.storage.Key;
import nixery.api.storage.Storage;
import nixery.api.storage.StorageException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What people who look into the folder find there, beyond the contract. */
class FileSystemStorageTests {

  private static final String TYPE = "text/plain";
  private static final Key KEY = Key.of("blobs", "e3b0c442");
  private static final Content HELLO = Content.of("hello".getBytes(UTF_8), TYPE);

  @TempDir Path folder;

  private Storage storage;

  @BeforeEach
  void open() throws IOException {
    storage = FileSystemStorage.open(folder);
  }

  @AfterEach
  void close() {
    storage.close();
  }

  @Test
  void keepsObjectsInReadableFilesThatNobodyChanges() throws IOException {
    storage.put(KEY, HELLO);

    Path file = folder.resolve("objects/blobs/_e3/e3b0c442");
    assertThat(file).hasContent("hello");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("r--r--r--");
    assertThat(storage.deliver(KEY))
        .contains(new Delivery.LocalFile(file.toRealPath(), HELLO.length()));
  }

  @Test
  void movesFilesOfTheSameFileSystem() throws IOException {
    for (Path from : List.of(storage.spool().orElseThrow(), folder)) {
      Path packed = Files.writeString(from.resolve("packed"), "hello");
      Object inode = Files.getAttribute(packed, "unix:ino");

      storage.put(KEY, Content.ofFile(packed, 5, HELLO.sha256(), TYPE));

      assertThat(packed).doesNotExist();
      assertThat(Files.getAttribute(folder.resolve("objects/blobs/_e3/e3b0c442"), "unix:ino"))
          .isEqualTo(inode);
      storage.delete(KEY);
    }
  }

  @Test
  void storesWhatALinkLeadsToAndNotTheLink() throws IOException {
    Path packed = Files.writeString(folder.resolve("packed"), "hello");
    Path link = Files.createSymbolicLink(folder.resolve("link"), packed);

    storage.put(KEY, Content.ofFile(link, 5, HELLO.sha256(), TYPE));

    Path file = folder.resolve("objects/blobs/_e3/e3b0c442");
    assertThat(Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)).isTrue();
    assertThat(file).hasContent("hello");
    assertThat(packed).hasContent("hello");
  }

  @Test
  void leavesNothingInTheSpool() throws IOException {
    storage.put(KEY, HELLO);
    storage.put(KEY, HELLO);
    assertThatThrownBy(() -> storage.put(Key.of("wrong"), wrong()))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining(HELLO.sha256());
    storage.writeRecord(Key.of("record"), new byte[3], Optional.empty());
    storage.writeRecord(Key.of("record"), new byte[3], Optional.empty());

    assertThat(storage.spool().orElseThrow()).isEmptyDirectory();
  }

  private Content wrong() throws IOException {
    Path packed = Files.writeString(storage.spool().orElseThrow().resolve("packed"), "other");
    return Content.ofFile(packed, 5, HELLO.sha256(), TYPE);
  }

  @Test
  void listsNoFilesOfOthers() throws IOException {
    storage.put(KEY, HELLO);
    Files.writeString(folder.resolve("objects/README"), "not an object");
    Files.writeString(folder.resolve("objects/blobs/_e3/.nfs0001"), "");
    Files.writeString(folder.resolve("objects/blobs/_e3/E3B0"), "");
    Files.writeString(folder.resolve("objects/blobs/_e3/ff00"), "");
    Files.writeString(folder.resolve("objects/blobs/e3b0"), "");
    Files.createDirectories(folder.resolve("objects/lost+found/_ab"));
    Files.createDirectories(folder.resolve("objects/blobs/_"));

    try (Stream<Key> keys = storage.list("")) {
      assertThat(keys).containsExactly(KEY);
    }
  }

  @Test
  void storesAgainWhereSomebodyDeletedFolders() throws IOException {
    storage.put(KEY, HELLO);
    Files.delete(folder.resolve("objects/blobs/_e3/e3b0c442"));
    Files.delete(folder.resolve("objects/blobs/_e3"));
    Files.delete(folder.resolve("objects/blobs"));

    storage.put(KEY, HELLO);

    assertThat(storage.stat(KEY)).contains(5L);
  }

  @Test
  void saysWhichRecordSomebodyDamaged() throws IOException {
    Key key = Key.of("leases", "one");
    String version = storage.writeRecord(key, new byte[3], Optional.empty()).orElseThrow();
    Path file = folder.resolve("records/leases/_on/one");
    Files.delete(file);
    Files.writeString(file, "edited by hand, with an editor that knows no versions");

    assertThatThrownBy(() -> storage.readRecord(key))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining(file.toRealPath().toString());
    assertThatThrownBy(() -> storage.writeRecord(key, new byte[3], Optional.of(version)))
        .isInstanceOf(StorageException.class);
    assertThatThrownBy(() -> storage.removeRecord(key, version))
        .isInstanceOf(StorageException.class);
  }

  @Test
  void saysWhatFailed() throws IOException {
    Files.writeString(folder.resolve("objects/blobs"), "in the way");

    assertThatThrownBy(() -> storage.put(KEY, HELLO))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("cannot store blobs/e3b0c442")
        .hasMessageContaining("objects/blobs");
  }
}

package nixery.storage.fs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import nixery.api.ConfigurationException;
import nixery.api.PluginContext;
import nixery.api.Scratch;
import nixery.api.Settings;
import nixery.api.storage.Storage;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the operator is told about a folder that cannot be used. */
class FileSystemStorageProviderTests {

  @TempDir Path temporary;

  private Storage open(Path path) {
    Settings settings = Settings.of(Map.of("STORAGE_PATH", path.toString()));
    return new FileSystemStorageProvider().open(new PluginContext(settings, temporary));
  }

  private AbstractThrowableAssert<?, ?> assertRefused(Path path) {
    return assertThatThrownBy(() -> open(path))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith("STORAGE_PATH is " + path)
        .hasMessageEndingWith(".")
        .hasMessageNotContaining("\n");
  }

  @Test
  void refusesAFile() throws IOException {
    Path file = Files.writeString(temporary.resolve("file"), "");

    assertRefused(file).hasMessageContaining(file + " is not a folder");
    assertRefused(file.resolve("below")).hasMessageContaining(file + " is not a folder");
  }

  @Test
  void refusesALinkToNowhere() throws IOException {
    Path link = Files.createSymbolicLink(temporary.resolve("link"), Path.of("nowhere"));

    assertRefused(link).hasMessageContaining("is not a folder");
  }

  @Test
  void refusesAFolderThatCannotBeMade() {
    assertRefused(Path.of("/proc/nixery")).hasMessageContaining("cannot write");
  }

  /** Not even the superuser can write there. */
  @Test
  void refusesAFolderThatCannotBeWritten() {
    assertRefused(Path.of("/proc/self")).hasMessageContaining("cannot write");
  }

  @Test
  void refusesASpoolOnAnotherFileSystem() throws IOException {
    Path elsewhere = Files.createTempDirectory(Path.of("/dev/shm"), "nixery-spool-");
    try {
      Files.createSymbolicLink(temporary.resolve("spool"), elsewhere);

      assertRefused(temporary).hasMessageContaining("different file systems");
      assertThat(elsewhere).isEmptyDirectory();
    } finally {
      Scratch.deleteTree(elsewhere);
    }
  }

  @Test
  void followsALinkToAFolder() throws IOException {
    Path folder = Files.createDirectory(temporary.resolve("folder"));
    Path link = Files.createSymbolicLink(temporary.resolve("link"), folder);

    open(link).close();

    assertThat(folder.resolve("objects")).isEmptyDirectory();
  }
}

package nixery.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import nixery.api.ConfigurationException;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class BuildCommandTests {

  @TempDir Path folder;

  @Test
  void anArchiveCannotBeWrittenInPlaceOfAFolder() {
    assertThatThrownBy(() -> BuildCommand.checkOutput(folder, false))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("is a folder");
    BuildCommand.checkOutput(folder, true);
    BuildCommand.checkOutput(folder.resolve("image.tar"), false);
  }

  @Test
  void aFolderReplacesNothingButAnEmptyFolder() throws Exception {
    Path file = Files.createFile(folder.resolve("file"));
    for (Path there : new Path[] {file, folder, Path.of("/dev/null")}) {
      assertThatThrownBy(() -> BuildCommand.checkOutput(there, true))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("is there already");
    }
  }

  @Test
  void devicesAndOpenFilesAreWrittenTo() throws Exception {
    Path file = Files.createFile(folder.resolve("file"));
    assertThat(BuildCommand.isWrittenTo(Path.of("/dev/null"))).isTrue();
    assertThat(BuildCommand.isWrittenTo(Path.of("/proc/self/cmdline"))).isTrue();
    assertThat(BuildCommand.isWrittenTo(file)).isFalse();
    assertThat(BuildCommand.isWrittenTo(Files.createSymbolicLink(folder.resolve("link"), file)))
        .isFalse();
    assertThat(BuildCommand.isWrittenTo(folder.resolve("none"))).isFalse();
  }

  @Test
  void theReasonIsToldInFull() {
    IOException full = new IOException("no space left");
    assertThat(reason(new IOException("cannot read", full)))
        .isEqualTo(" (java.io.IOException: cannot read: java.io.IOException: no space left)");
    assertThat(reason(new IOException("cannot read: " + full, full)))
        .isEqualTo(" (java.io.IOException: cannot read: java.io.IOException: no space left)");
    assertThat(reason(new Failure(FailureCode.STORAGE_UNAVAILABLE, "later", full)))
        .isEqualTo(" (java.io.IOException: no space left)");
    assertThat(BuildCommand.reason(new Failure(FailureCode.NAME_INVALID, "no", full))).isEmpty();
  }

  private static String reason(Exception cause) {
    return BuildCommand.reason(new Failure(FailureCode.STORAGE_UNAVAILABLE, "later", cause));
  }
}

package nixery.storage.fs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import nixery.api.Scratch;
import nixery.api.storage.StorageProvider;
import nixery.testkit.StorageContractTests;
import org.junit.jupiter.api.AfterEach;

/** The contract on tmpfs, where files from elsewhere cannot be moved to. */
class FileSystemStorageTmpfsContractTests extends StorageContractTests {

  private static final Path SHARED_MEMORY = Path.of("/dev/shm");

  private Path folder;

  @Override
  protected StorageProvider provider() {
    return new FileSystemStorageProvider();
  }

  @Override
  protected Map<String, String> environment() throws IOException {
    assertThat(Files.getFileStore(SHARED_MEMORY).type()).isEqualTo("tmpfs");
    folder = Files.createTempDirectory(SHARED_MEMORY, "nixery-storage-");
    return Map.of("STORAGE_PATH", folder.toString());
  }

  @AfterEach
  void deleteFolder() throws IOException {
    Scratch.deleteTree(folder);
  }
}

package nixery.storage.fs;

import java.nio.file.Path;
import java.util.Map;
import nixery.api.storage.StorageProvider;
import nixery.testkit.StorageContractTests;
import org.junit.jupiter.api.io.TempDir;

/** The contract, in a folder that is not there yet. */
class FileSystemStorageContractTests extends StorageContractTests {

  @TempDir Path folder;

  @Override
  protected StorageProvider provider() {
    return new FileSystemStorageProvider();
  }

  @Override
  protected Map<String, String> environment() {
    return Map.of("STORAGE_PATH", folder.resolve("deep/storage").toString());
  }
}

package example.storage.flat;

import java.nio.file.Path;
import java.util.Map;
import nixery.api.storage.StorageProvider;
import nixery.testkit.StorageContractTests;
import org.junit.jupiter.api.io.TempDir;

/** All that Nixery expects of storage. */
class FlatStorageTests extends StorageContractTests {

  @TempDir Path folder;

  @Override
  protected StorageProvider provider() {
    return new FlatStorageProvider();
  }

  @Override
  protected Map<String, String> environment() {
    return Map.of("FLAT_PATH", folder.toString());
  }
}

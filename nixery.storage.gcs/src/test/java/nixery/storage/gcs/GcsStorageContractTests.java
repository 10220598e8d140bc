package nixery.storage.gcs;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import nixery.api.Setting;
import nixery.api.storage.StorageProvider;
import nixery.storage.gcs.fake.FakeGcs;
import nixery.testkit.StorageContractTests;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/**
 * The contract of all storage, over HTTP. Where {@code NIXERY_TEST_GCS_BUCKET} names a bucket, it
 * is that one that is tested, with the plugin's other settings taken from the environment; each
 * test uses a folder of its own in it. Otherwise it is the service of the tests.
 */
class GcsStorageContractTests extends StorageContractTests {

  private static final String REAL = "NIXERY_TEST_GCS_BUCKET";

  @TempDir static Path keys;
  private static FakeGcs gcs;
  private static Map<String, String> environment = Map.of();

  @BeforeAll
  static void start() {
    Map<String, String> settings = new HashMap<>();
    String real = System.getenv(REAL);
    if (real != null) {
      for (Setting<?> setting : new GcsStorageProvider().settings()) {
        if (System.getenv(setting.name()) != null) {
          settings.put(setting.name(), System.getenv(setting.name()));
        }
      }
      settings.put("GCS_BUCKET", real);
    } else {
      gcs = FakeGcs.start(0);
      gcs.createBucket("test-bucket");
      gcs.createAccount(keys.resolve("key.json"));
      gcs.setPageSize(7);
      settings.put("GCS_BUCKET", "test-bucket");
      settings.put("GOOGLE_APPLICATION_CREDENTIALS", keys.resolve("key.json").toString());
      settings.put("NIXERY_GCS_ENDPOINT", gcs.endpoint());
    }
    environment = settings;
  }

  @AfterAll
  static void stop() {
    if (gcs != null) {
      gcs.close();
    }
  }

  @Override
  protected StorageProvider provider() {
    return new GcsStorageProvider();
  }

  @Override
  protected Map<String, String> environment() {
    Map<String, String> settings = new HashMap<>(environment);
    settings.put("NIXERY_GCS_PREFIX", "contract/" + UUID.randomUUID());
    return settings;
  }
}

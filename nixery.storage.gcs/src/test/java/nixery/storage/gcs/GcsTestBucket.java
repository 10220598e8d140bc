package nixery.storage.gcs;

import com.google.auth.http.HttpTransportFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import nixery.api.PluginContext;
import nixery.api.Settings;
import nixery.api.storage.Storage;
import nixery.storage.gcs.fake.FakeGcs;

/** A running service with one bucket and one account, and how the plugin is opened on it. */
final class GcsTestBucket implements AutoCloseable {

  static final String NAME = "test-bucket";

  private final FakeGcs gcs = FakeGcs.start(0);
  private final Path folder;
  private final Path key;
  private final String account;

  GcsTestBucket(Path folder) {
    this.folder = folder;
    this.key = folder.resolve("key.json");
    this.account = gcs.createAccount(key);
    gcs.createBucket(NAME);
  }

  FakeGcs gcs() {
    return gcs;
  }

  Path key() {
    return key;
  }

  String account() {
    return account;
  }

  /** Returns the settings with which the plugin works, to be changed. */
  Map<String, String> environment() {
    Map<String, String> environment = new HashMap<>();
    environment.put("GCS_BUCKET", NAME);
    environment.put("GOOGLE_APPLICATION_CREDENTIALS", key.toString());
    environment.put("NIXERY_GCS_ENDPOINT", gcs.endpoint());
    return environment;
  }

  Storage open() {
    return open(environment());
  }

  Storage open(Map<String, String> environment) {
    return open(environment, GcsStorageProvider.transports());
  }

  Storage open(Map<String, String> environment, HttpTransportFactory transports) {
    return open(environment, transports, Duration.ofSeconds(10));
  }

  /** Opens a storage that gives up soon, for what is never going to succeed. */
  Storage openImpatiently(Map<String, String> environment) {
    return open(environment, GcsStorageProvider.transports(), Duration.ofSeconds(1));
  }

  private Storage open(
      Map<String, String> environment, HttpTransportFactory transports, Duration patience) {
    return new GcsStorageProvider(transports, patience, Duration.ofSeconds(20))
        .open(new PluginContext(Settings.of(environment), folder));
  }

  @Override
  public void close() {
    gcs.close();
  }
}

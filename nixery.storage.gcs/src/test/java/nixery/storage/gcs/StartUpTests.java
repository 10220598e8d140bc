package nixery.storage.gcs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import nixery.api.ConfigurationException;
import nixery.api.PluginContext;
import nixery.api.Settings;
import nixery.storage.gcs.fake.Faults;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the operator reads when the bucket cannot be used. */
@Timeout(120)
class StartUpTests {

  @TempDir Path folder;
  private GcsTestBucket bucket;

  @BeforeEach
  void start() {
    bucket = new GcsTestBucket(folder);
  }

  @AfterEach
  void stop() {
    bucket.close();
  }

  /** Opens the plugin with other settings, and returns the sentence, which is one. */
  private String sentence(Map<String, String> changes) throws IOException {
    Map<String, String> environment = bucket.environment();
    environment.putAll(changes);
    ConfigurationException wrong =
        catchThrowableOfType(
            ConfigurationException.class, () -> bucket.openImpatiently(environment));
    assertThat(wrong).as("nothing was wrong").isNotNull();
    assertThat(wrong.getMessage()).endsWith(".").doesNotContain("\n");
    assertNoSecrets(wrong);
    return wrong.getMessage();
  }

  private void assertNoSecrets(Throwable failure) throws IOException {
    StringWriter trace = new StringWriter();
    failure.printStackTrace(new PrintWriter(trace));
    assertThat(trace.toString()).doesNotContain("ya29.", "PRIVATE KEY", "upload_id=");
    if (Files.readString(bucket.key()).contains("private_key")) {
      String secret = key().get("private_key").getAsString().lines().toList().get(3);
      assertThat(trace.toString()).doesNotContain(secret);
    }
  }

  private JsonObject key() throws IOException {
    return JsonParser.parseString(Files.readString(bucket.key())).getAsJsonObject();
  }

  private static int closedPort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  @Test
  void leavesNothingInTheBucket() {
    bucket.open().close();

    assertThat(bucket.gcs().objects(GcsTestBucket.NAME)).isEmpty();
  }

  @Test
  void namesTheBucketThatIsNotThere() throws IOException {
    assertThat(sentence(Map.of("GCS_BUCKET", "another-bucket")))
        .contains("GCS_BUCKET", "another-bucket", "no such bucket", bucket.gcs().endpoint());
  }

  @ParameterizedTest
  @ValueSource(strings = {"gs://bucket", "a/b", "B", "a", "../x", "bucket/", "bücket"})
  void refusesWhatIsNoBucketName(String name) throws IOException {
    assertThat(sentence(Map.of("GCS_BUCKET", name))).contains("GCS_BUCKET", "'" + name + "'");
    assertThat(bucket.gcs().requests()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"/a", "a//b", "../a", "a/./b", "a b", "a/../b"})
  void refusesWhatIsNoPrefix(String prefix) throws IOException {
    assertThat(sentence(Map.of("NIXERY_GCS_PREFIX", prefix))).contains("NIXERY_GCS_PREFIX");
  }

  @ParameterizedTest
  @ValueSource(strings = {"http://localhost/x", "http://u:p@localhost", "http://localhost?x=y"})
  void refusesAnEndpointWithMoreThanAHost(String endpoint) throws IOException {
    assertThat(sentence(Map.of("NIXERY_GCS_ENDPOINT", endpoint))).contains("NIXERY_GCS_ENDPOINT");
  }

  @Test
  void refusesAPublicAddressThatKeysCannotBeAddedTo() throws IOException {
    assertThat(sentence(Map.of("NIXERY_GCS_PUBLIC_URL", "https://cdn.example.org/?x=")))
        .contains("NIXERY_GCS_PUBLIC_URL");
  }

  @Test
  void saysThatTheCredentialsBelongToAnotherCloud() throws IOException {
    JsonObject key = key();
    key.addProperty("universe_domain", "example.org");
    Files.writeString(bucket.key(), key.toString());

    assertThat(sentence(Map.of())).contains("GOOGLE_APPLICATION_CREDENTIALS");
  }

  @ParameterizedTest
  @ValueSource(strings = {"list", "create", "get", "delete"})
  void namesThePermissionThatIsMissing(String action) throws IOException {
    bucket.gcs().deny("storage.objects." + action);

    assertThat(sentence(Map.of()))
        .contains("storage.objects." + action, bucket.account(), GcsTestBucket.NAME, "grant");
  }

  @Test
  void doesNotNeedThePermissionToLookAtTheBucketItself() {
    bucket.gcs().deny("storage.buckets.get");

    bucket.open().close();
  }

  @Test
  void namesTheKeyFileThatIsNotThere() throws IOException {
    String missing = folder.resolve("missing.json").toString();

    assertThat(sentence(Map.of("GOOGLE_APPLICATION_CREDENTIALS", missing)))
        .contains("GOOGLE_APPLICATION_CREDENTIALS", missing, "no such file");
  }

  @Test
  void namesTheKeyFileThatIsAFolder() throws IOException {
    assertThat(sentence(Map.of("GOOGLE_APPLICATION_CREDENTIALS", folder.toString())))
        .contains("GOOGLE_APPLICATION_CREDENTIALS", folder.toString(), "folder");
  }

  @Test
  void namesTheKeyFileThatIsNone() throws IOException {
    String good = Files.readString(bucket.key());
    JsonObject otherType = key();
    otherType.addProperty("type", "something else");
    JsonObject noKey = key();
    noKey.remove("private_key");
    JsonObject badKey = key();
    badKey.addProperty(
        "private_key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    for (String text :
        List.of(
            "",
            "{}",
            "[1]",
            "null",
            "not json",
            good.substring(0, good.length() / 2),
            otherType.toString(),
            noKey.toString(),
            badKey.toString())) {
      Path file = Files.writeString(folder.resolve("bad.json"), text);

      assertThat(sentence(Map.of("GOOGLE_APPLICATION_CREDENTIALS", file.toString())))
          .as("%s", text)
          .contains("GOOGLE_APPLICATION_CREDENTIALS", file.toString(), "no Google credentials");
    }
  }

  @Test
  void saysThatTheKeyIsNotGoodAnyMore() throws IOException {
    bucket.gcs().deleteAccount(bucket.account());

    assertThat(sentence(Map.of())).contains("did not accept the credentials", "400");
  }

  @Test
  void saysThatTheTokenServerCannotBeReached() throws IOException {
    JsonObject key = key();
    key.addProperty("token_uri", "http://127.0.0.1:%d/token".formatted(closedPort()));
    Files.writeString(bucket.key(), key.toString());

    assertThat(sentence(Map.of())).contains("access tokens", "connection refused");
  }

  @Test
  void saysThatTheEndpointCannotBeReached() throws IOException {
    String closed = "http://127.0.0.1:" + closedPort();
    assertThat(sentence(Map.of("NIXERY_GCS_ENDPOINT", closed)))
        .contains("NIXERY_GCS_ENDPOINT", closed, "connection refused");

    assertThat(sentence(Map.of("NIXERY_GCS_ENDPOINT", "http://storage.invalid")))
        .contains("NIXERY_GCS_ENDPOINT", "http://storage.invalid", "unknown host");
  }

  @Test
  void saysThatTheEndpointDoesNotAnswer() throws IOException {
    try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      Map<String, String> environment = bucket.environment();
      environment.put("NIXERY_GCS_ENDPOINT", "http://127.0.0.1:" + silent.getLocalPort());
      GcsStorageProvider provider =
          new GcsStorageProvider(
              GcsStorageProvider.transports(), Duration.ofSeconds(1), Duration.ofSeconds(2));

      assertThat(
              catchThrowableOfType(
                  ConfigurationException.class,
                  () -> provider.open(new PluginContext(Settings.of(environment), folder))))
          .hasMessageContaining("did not answer within 2 seconds");
    }
  }

  @ParameterizedTest
  @EnumSource(value = Faults.Kind.class, mode = EnumSource.Mode.EXCLUDE, names = "CORRUPTED")
  void standsAShortFailure(Faults.Kind kind) {
    bucket.gcs().faults().next(kind, request -> request.startsWith("GET"));
    bucket.gcs().faults().next(kind, request -> request.contains("/upload/"));

    bucket.open().close();
  }

  @Test
  void saysThatTheServiceFails() throws IOException {
    bucket.gcs().faults().always(Faults.Kind.UNAVAILABLE, request -> !request.contains("/token"));

    assertThat(sentence(Map.of())).contains(GcsTestBucket.NAME, "503");
  }

  @Test
  void needsNoCredentialsForATestServer() {
    bucket.gcs().letEverybodyIn();
    Map<String, String> environment = bucket.environment();
    environment.remove("GOOGLE_APPLICATION_CREDENTIALS");

    bucket.open(environment).close();
  }

  @Test
  void saysThatThereAreNoCredentials() throws Exception {
    ChildJvm child = new ChildJvm(folder, List.of("-Duser.home=" + folder));
    Map<String, String> environment = new HashMap<>();
    environment.put("GCS_BUCKET", GcsTestBucket.NAME);
    environment.put("NO_GCE_CHECK", "true");

    ChildJvm.Result result = child.run(OpenMain.class, environment, List.of());

    assertThat(result.output())
        .contains(
            "GOOGLE_APPLICATION_CREDENTIALS is not set, and this machine has no default Google"
                + " credentials")
        .doesNotContain("SLF4J");
    assertThat(result.status()).isEqualTo(2);
  }

  /** Opens the plugin with the process's environment, as the server does. */
  static final class OpenMain {
    public static void main(String[] arguments) {
      try {
        new GcsStorageProvider()
            .open(new PluginContext(Settings.of(System.getenv()), Path.of("unused")))
            .close();
      } catch (ConfigurationException e) {
        System.err.write(e.getMessage().getBytes(UTF_8), 0, e.getMessage().getBytes(UTF_8).length);
        System.err.flush();
        System.exit(2);
      }
    }
  }
}

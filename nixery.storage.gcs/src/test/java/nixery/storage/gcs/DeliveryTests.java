package nixery.storage.gcs;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.api.client.http.javanet.NetHttpTransport;
import com.google.auth.http.HttpTransportFactory;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URL;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import nixery.api.storage.Content;
import nixery.api.storage.Delivery;
import nixery.api.storage.Key;
import nixery.api.storage.Storage;
import nixery.storage.gcs.fake.FakeGcs;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** How objects get to clients. */
@Timeout(120)
class DeliveryTests {

  private static final Key KEY = Key.of("blobs", "abc");
  private static final byte[] LARGE = new byte[(int) GcsStorage.STREAMED + 1];

  static {
    new Random(1).nextBytes(LARGE);
  }

  @TempDir Path folder;
  private GcsTestBucket bucket;
  private FakeGcs gcs;

  @BeforeEach
  void start() {
    bucket = new GcsTestBucket(folder);
    gcs = bucket.gcs();
  }

  @AfterEach
  void stop() {
    bucket.close();
  }

  private URI location(Storage storage) {
    storage.put(KEY, Content.of(LARGE, "text/plain"));
    return switch (storage.deliver(KEY).orElseThrow()) {
      case Delivery.Redirect(URI location) -> location;
      case Delivery other -> throw new AssertionError(other.toString());
    };
  }

  private static HttpResponse<byte[]> fetch(URI location, String method, String... headers)
      throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(location).method(method, HttpRequest.BodyPublishers.noBody());
      return client.send(
          (headers.length == 0 ? request : request.headers(headers)).build(),
          BodyHandlers.ofByteArray());
    }
  }

  private static void assertServed(URI location) throws Exception {
    HttpResponse<byte[]> whole = fetch(location, "GET");
    assertThat(whole.statusCode()).isEqualTo(200);
    assertThat(whole.body()).isEqualTo(LARGE);
    assertThat(fetch(location, "HEAD").statusCode()).isEqualTo(200);
    HttpResponse<byte[]> part = fetch(location, "GET", "Range", "bytes=10-19");
    assertThat(part.statusCode()).isEqualTo(206);
    assertThat(part.body()).isEqualTo(Arrays.copyOfRange(LARGE, 10, 20));
  }

  @Test
  void signsWithTheKeyOfTheServiceAccount() throws Exception {
    try (Storage storage = bucket.open()) {
      URI location = location(storage);

      assertThat(location.toString())
          .startsWith(gcs.endpoint() + "/test-bucket/blobs/abc?")
          .contains("X-Goog-Expires=300&", "X-Goog-SignedHeaders=host&");
      assertServed(location);
    }
  }

  @Test
  void signsNothingElse() throws Exception {
    try (Storage storage = bucket.open()) {
      String location = location(storage).toString();
      storage.put(Key.of("blobs", "other"), Content.of(LARGE, "text/plain"));

      assertThat(fetch(URI.create(location.replace("/abc", "/other")), "GET").statusCode())
          .isEqualTo(403);
      assertThat(fetch(URI.create(location), "PUT").statusCode()).isEqualTo(405);
      assertThat(
              fetch(URI.create(location.substring(0, location.indexOf('?'))), "GET").statusCode())
          .isEqualTo(403);
    }
  }

  @Test
  void keepsToTheLifetimeThatIsSet() throws Exception {
    Map<String, String> environment = bucket.environment();
    environment.put("NIXERY_GCS_SIGNED_URL_SECONDS", "60");
    try (Storage storage = bucket.open(environment)) {
      assertThat(location(storage).toString()).contains("X-Goog-Expires=60&");
    }
  }

  @Test
  void asksTheServiceForNothingItKnows() {
    try (Storage storage = bucket.open()) {
      location(storage);
      int requests = gcs.requests().size();

      for (int i = 0; i < 10; i++) {
        assertThat(storage.deliver(KEY)).isPresent();
      }

      assertThat(gcs.requests()).hasSize(requests);
    }
    try (Storage later = bucket.open()) {
      assertThat(later.deliver(KEY)).isPresent();
      int requests = gcs.requests().size();
      assertThat(later.deliver(KEY)).isPresent();
      assertThat(gcs.requests()).hasSize(requests);
    }
  }

  @Test
  void streamsSmallObjects() {
    try (Storage storage = bucket.open()) {
      storage.put(KEY, Content.of(Arrays.copyOf(LARGE, LARGE.length - 1), "text/plain"));

      assertThat(storage.deliver(KEY)).contains(new Delivery.Streamed(GcsStorage.STREAMED));
    }
  }

  @Test
  void knowsNothingOfObjectsThatAreNotThere() {
    try (Storage storage = bucket.open()) {
      assertThat(storage.deliver(KEY)).isEmpty();
    }
  }

  @Test
  void sendsClientsToThePublicAddressThatIsSet() throws Exception {
    gcs.letEverybodyIn();
    for (String base : List.of(gcs.endpoint() + "/test-bucket", gcs.endpoint() + "/test-bucket/")) {
      Map<String, String> environment = bucket.environment();
      environment.put("NIXERY_GCS_PUBLIC_URL", base);
      environment.put("NIXERY_GCS_PREFIX", "a/b");
      try (Storage storage = bucket.open(environment)) {
        URI location = location(storage);

        assertThat(location).hasToString(gcs.endpoint() + "/test-bucket/a/b/blobs/abc");
        assertServed(location);
      }
    }
  }

  @Test
  void sendsClientsToTheBucketIfItCannotSign() throws Exception {
    gcs.letEverybodyIn();
    Map<String, String> environment = bucket.environment();
    environment.remove("GOOGLE_APPLICATION_CREDENTIALS");
    try (Storage storage = bucket.open(environment)) {
      URI location = location(storage);

      assertThat(location).hasToString(gcs.endpoint() + "/test-bucket/blobs/abc");
      assertServed(location);
    }
  }

  @Test
  void signsThroughGoogleWhereThereIsNoKey() throws Exception {
    try (Storage storage = bucket.open(impersonating(), iamAtTheTestServer())) {
      URI location = location(storage);

      assertThat(location.toString()).contains("X-Goog-Signature=");
      assertServed(location);
      assertThat(gcs.requests()).anyMatch(request -> request.endsWith(":signBlob"));
      int requests = gcs.requests().size();
      assertThat(storage.deliver(KEY)).contains(new Delivery.Redirect(location));
      assertThat(gcs.requests()).hasSize(requests);
    }
  }

  @Test
  void sendsClientsToTheBucketIfGoogleDoesNotSign() throws Exception {
    gcs.deny("iam.serviceAccounts.signBlob");
    try (Storage storage = bucket.open(impersonating(), iamAtTheTestServer())) {
      assertThat(location(storage)).hasToString(gcs.endpoint() + "/test-bucket/blobs/abc");
    }
  }

  /** Credentials of one account that stand for another, whose key they do not hold. */
  private Map<String, String> impersonating() throws Exception {
    String other = gcs.createAccount(folder.resolve("other.json"));
    Files.delete(folder.resolve("other.json"));
    JsonObject json = new JsonObject();
    json.addProperty("type", "impersonated_service_account");
    json.addProperty(
        "service_account_impersonation_url",
        "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/%s:generateAccessToken"
            .formatted(other));
    json.add("source_credentials", JsonParser.parseString(Files.readString(bucket.key())));
    Path file = Files.writeString(folder.resolve("impersonating.json"), json.toString());
    Map<String, String> environment = bucket.environment();
    environment.put("GOOGLE_APPLICATION_CREDENTIALS", file.toString());
    return environment;
  }

  /** Sends what is meant for Google's IAM to the server of the tests. */
  private HttpTransportFactory iamAtTheTestServer() {
    NetHttpTransport transport =
        new NetHttpTransport.Builder()
            .setConnectionFactory(url -> {
              URL target =
                  url.getHost().equals("iamcredentials.googleapis.com")
                      ? URI.create(gcs.endpoint() + url.getFile()).toURL()
                      : url;
              return (HttpURLConnection) target.openConnection();
            })
            .build();
    return () -> transport;
  }
}

package nixery.storage.gcs.fake;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.auth.oauth2.GoogleCredentials;
import com.google.cloud.storage.Blob;
import com.google.cloud.storage.BlobInfo;
import com.google.cloud.storage.Storage;
import com.google.cloud.storage.Storage.BlobTargetOption;
import com.google.cloud.storage.StorageException;
import com.google.cloud.storage.StorageOptions;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The service of the tests, where the storage plugin does not show what it does. */
class FakeGcsTests {

  @TempDir Path folder;
  private FakeGcs gcs;
  private Storage client;

  @BeforeEach
  void start() throws Exception {
    gcs = FakeGcs.start(0);
    gcs.createBucket("b");
    gcs.createAccount(folder.resolve("key.json"));
    try (InputStream key = Files.newInputStream(folder.resolve("key.json"))) {
      client =
          StorageOptions.http()
              .setHost(gcs.endpoint())
              .setProjectId("test-project")
              .setCredentials(GoogleCredentials.fromStream(key))
              .build()
              .getService();
    }
  }

  @AfterEach
  void stop() {
    gcs.close();
  }

  private HttpResponse<String> put(String range, int length) throws Exception {
    try (HttpClient http = HttpClient.newHttpClient()) {
      HttpRequest.BodyPublisher body = HttpRequest.BodyPublishers.ofByteArray(new byte[length]);
      return http.send(
          HttpRequest.newBuilder(session).header("Content-Range", range).PUT(body).build(),
          BodyHandlers.ofString());
    }
  }

  private URI session = URI.create("http://none");

  private void startUpload() throws Exception {
    String token = client.getOptions().getScopedCredentials().getRequestMetadata().toString();
    String bearer = token.replaceFirst(".*(Bearer [^\\]]+)].*", "$1");
    try (HttpClient http = HttpClient.newHttpClient()) {
      URI uri = URI.create(gcs.endpoint() + "/upload/storage/v1/b/b/o?uploadType=resumable&name=o");
      HttpResponse<Void> started =
          http.send(
              HttpRequest.newBuilder(uri)
                  .header("Authorization", bearer)
                  .POST(HttpRequest.BodyPublishers.ofString("{}"))
                  .build(),
              BodyHandlers.discarding());
      session = URI.create(started.headers().firstValue("Location").orElseThrow());
    }
  }

  @Test
  void changesMetadata() {
    Blob made = client.create(BlobInfo.newBuilder("b", "o").build(), "x".getBytes(UTF_8));

    client.update(made.toBuilder().setMetadata(Map.of("a", "1")).build());

    assertThat(client.get("b", "o").getMetadata()).containsEntry("a", "1");
    assertThatThrownBy(() ->
            client.update(
                made.toBuilder().setContentType("text/plain").build(),
                BlobTargetOption.generationMatch(1)))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("pre-conditions");
  }

  @Test
  void takesChunksAsTheServiceDoes() throws Exception {
    int unit = 256 << 10;
    startUpload();

    assertThat(put("bytes 0-99/*", 100).statusCode()).isEqualTo(400);
    assertThat(put("bytes */*", 0).statusCode()).isEqualTo(308);
    HttpResponse<String> first = put("bytes 0-" + (unit - 1) + "/*", unit);
    assertThat(first.statusCode()).isEqualTo(308);
    assertThat(first.headers().firstValue("Range")).contains("bytes=0-" + (unit - 1));
    assertThat(put("bytes " + 2 * unit + "-" + (3 * unit - 1) + "/*", unit).statusCode())
        .isEqualTo(503);
    assertThat(gcs.objects("b")).isEmpty();
    String last = "bytes " + unit + "-" + (unit + 9) + "/" + (unit + 10);
    assertThat(put(last, 10).statusCode()).isEqualTo(200);
    assertThat(gcs.objects("b")).containsExactly("o");
    HttpResponse<String> status = put("bytes */*", 0);
    assertThat(status.statusCode()).isEqualTo(200);
    assertThat(status.body()).contains("\"size\":\"" + (unit + 10) + "\"");
  }

  @Test
  void refusesWhoeverIsNotKnown() throws Exception {
    client.create(BlobInfo.newBuilder("b", "o").build(), new byte[1]);
    try (HttpClient http = HttpClient.newHttpClient()) {
      for (String path : new String[] {"/storage/v1/b/b/o", "/storage/v1/b/b/o/o?alt=media"}) {
        HttpRequest request = HttpRequest.newBuilder(URI.create(gcs.endpoint() + path)).build();
        assertThat(http.send(request, BodyHandlers.discarding()).statusCode()).isEqualTo(401);
      }
      HttpRequest request = HttpRequest.newBuilder(URI.create(gcs.endpoint() + "/b/o")).build();
      assertThat(http.send(request, BodyHandlers.discarding()).statusCode()).isEqualTo(403);
    }
  }
}

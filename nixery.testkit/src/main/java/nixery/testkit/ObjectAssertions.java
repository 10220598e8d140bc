package nixery.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import nixery.api.storage.Delivery;
import nixery.api.storage.Key;
import nixery.api.storage.Storage;
import nixery.api.storage.StoredObject;

/** Looks at an object of a storage in every way that there is. */
final class ObjectAssertions {

  private ObjectAssertions() {}

  static Optional<byte[]> read(Storage storage, Key key) throws IOException {
    Optional<StoredObject> found = storage.open(key, 0);
    if (found.isEmpty()) {
      return Optional.empty();
    }
    try (StoredObject object = found.get()) {
      return Optional.of(object.stream().readAllBytes());
    }
  }

  static Optional<String> digest(Storage storage, Key key) throws IOException {
    Optional<StoredObject> found = storage.open(key, 0);
    if (found.isEmpty()) {
      return Optional.empty();
    }
    try (StoredObject object = found.get()) {
      return Optional.of(Bytes.sha256(object.stream()));
    }
  }

  /** Asserts that there is no object. A redirect may be given nevertheless, but leads nowhere. */
  static void assertNoObject(Storage storage, Key key) {
    assertThat(storage.stat(key)).isEmpty();
    assertThat(storage.open(key, 0)).isEmpty();
    assertThat(storage.deliver(key).stream()).hasOnlyElementsOfType(Delivery.Redirect.class);
  }

  /** Asserts that the object can be had in every way. */
  static void assertObject(Storage storage, Key key, byte[] bytes) throws Exception {
    assertThat(storage.stat(key)).contains((long) bytes.length);
    try (StoredObject object = storage.open(key, 0).orElseThrow()) {
      assertThat(object.length()).isEqualTo(bytes.length);
      assertThat(Bytes.sha256(object.stream())).isEqualTo(Bytes.sha256(bytes));
    }
    switch (storage.deliver(key).orElseThrow()) {
      case Delivery.LocalFile(Path file, long length) -> {
        assertThat(length).isEqualTo(bytes.length);
        assertThat(file).isAbsolute().isRegularFile().hasSize(length);
        assertThat(Bytes.sha256(file)).isEqualTo(Bytes.sha256(bytes));
      }
      case Delivery.Streamed(long length) -> assertThat(length).isEqualTo(bytes.length);
      case Delivery.Redirect(URI location) -> assertServed(location, bytes);
    }
  }

  private static void assertServed(URI location, byte[] bytes) throws Exception {
    assertThat(location.isAbsolute()).as("%s is absolute", location).isTrue();
    try (HttpClient client = HttpClient.newHttpClient()) {
      HttpRequest.Builder request = HttpRequest.newBuilder(location);

      HttpResponse<byte[]> whole = client.send(request.build(), ofByteArray());
      assertThat(whole.statusCode()).isEqualTo(200);
      assertThat(whole.headers().firstValueAsLong("Content-Length")).hasValue(bytes.length);
      assertThat(whole.body()).isEqualTo(bytes);

      HttpResponse<byte[]> head = client.send(request.HEAD().build(), ofByteArray());
      assertThat(head.statusCode()).isEqualTo(200);
      assertThat(head.headers().firstValueAsLong("Content-Length")).hasValue(bytes.length);

      if (bytes.length > 2) {
        HttpRequest middle = request.GET().header("Range", "bytes=1-" + (bytes.length - 2)).build();
        HttpResponse<byte[]> range = client.send(middle, ofByteArray());
        assertThat(range.statusCode()).isEqualTo(206);
        assertThat(range.body()).isEqualTo(Arrays.copyOfRange(bytes, 1, bytes.length - 1));
      }
    }
  }

  private static HttpResponse.BodyHandler<byte[]> ofByteArray() {
    return HttpResponse.BodyHandlers.ofByteArray();
  }
}

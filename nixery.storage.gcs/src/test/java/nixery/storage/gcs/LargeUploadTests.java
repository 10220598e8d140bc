package nixery.storage.gcs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import nixery.api.PluginContext;
import nixery.api.Settings;
import nixery.api.storage.Content;
import nixery.api.storage.Delivery;
import nixery.api.storage.Key;
import nixery.api.storage.Storage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Uploads that do not fit in the heap. */
@Timeout(300)
class LargeUploadTests {

  private static final int UPLOADS = 2;
  private static final int BLOCKS = 120;

  @TempDir Path folder;

  @Test
  void takesLittleMemory() throws Exception {
    try (GcsTestBucket bucket = new GcsTestBucket(folder)) {
      Path file = folder.resolve("layer");
      String sha256 = write(file);

      ChildJvm child = new ChildJvm(folder, List.of("-Xmx48m", "-XX:MaxDirectMemorySize=16m"));
      ChildJvm.Result result =
          child.run(
              UploadMain.class,
              bucket.environment(),
              List.of(file.toString(), Long.toString(Files.size(file)), sha256));

      assertThat(result.output()).isEmpty();
      assertThat(result.status()).isZero();
      assertThat(bucket.gcs().objects(GcsTestBucket.NAME)).hasSize(UPLOADS);
      try (Storage storage = bucket.open()) {
        Key key = Key.of("blobs", "0");
        assertThat(storage.stat(key)).contains(Files.size(file));
        assertThat(storage.deliver(key).orElseThrow()).isInstanceOf(Delivery.Redirect.class);
        assertThat(bucket.gcs().uploadSessions(GcsTestBucket.NAME)).isEqualTo(UPLOADS);
      }
    }
  }

  /** Writes 120 MiB that no compression shortens. */
  private static String write(Path file) throws Exception {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    byte[] block = new byte[1 << 20];
    Random random = new Random(1);
    try (OutputStream out = new DigestOutputStream(Files.newOutputStream(file), digest)) {
      for (int i = 0; i < BLOCKS; i++) {
        random.nextBytes(block);
        out.write(block);
      }
      out.write(1); // so that the last chunk is one byte long
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /** Uploads a file under several keys at a time. */
  static final class UploadMain {
    public static void main(String[] arguments) throws Exception {
      Content content =
          Content.ofFile(
              Path.of(arguments[0]), Long.parseLong(arguments[1]), arguments[2], "text/plain");
      PluginContext context = new PluginContext(Settings.of(System.getenv()), Path.of("unused"));
      try (Storage storage = new GcsStorageProvider().open(context);
          ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        List<Future<?>> uploads = new ArrayList<>();
        for (int i = 0; i < UPLOADS; i++) {
          Key key = Key.of("blobs", Integer.toString(i));
          uploads.add(threads.submit(() -> storage.put(key, content)));
        }
        for (Future<?> upload : uploads) {
          upload.get();
        }
      }
    }
  }
}

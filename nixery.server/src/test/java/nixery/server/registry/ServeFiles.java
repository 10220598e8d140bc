package nixery.server.registry;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import nixery.image.Digest;
import nixery.server.metrics.Metrics;

/** Serves files as blobs in a process of its own, whose memory a test can bound. */
final class ServeFiles {

  private ServeFiles() {}

  /**
   * Prints its port, and ends with its standard input.
   *
   * @param args digests and files by turns
   */
  public static void main(String[] args) throws Exception {
    FakeImages images = new FakeImages();
    for (int i = 0; i + 1 < args.length; i += 2) {
      Path file = Path.of(args[i + 1]);
      images.addFile(Digest.parse(args[i]).orElseThrow(), file, Files.size(file));
    }
    RegistryConfig config =
        new RegistryConfig("127.0.0.1", 0, Duration.ZERO, Duration.ofMinutes(2), 2000, 1000);
    try (RegistryServer server = new RegistryServer(images, config, new Metrics("test")).start()) {
      System.out.println(server.port());
      while (System.in.read() >= 0) {}
    }
  }
}

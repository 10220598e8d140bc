package nixery.bench;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import nixery.image.Digest;

/** Blobs of several sizes over several connections. */
final class BlobsPart implements Part {

  private static final Map<String, Integer> SIZES = sizes();

  private static Map<String, Integer> sizes() {
    Map<String, Integer> sizes = new LinkedHashMap<>();
    sizes.put("4 KB", 4_000);
    sizes.put("1 MB", 1_000_000);
    sizes.put("200 MB", 200_000_000);
    return sizes;
  }

  @Override
  public String name() {
    return "blobs";
  }

  @Override
  public String summary() {
    return "blobs of 4 KB, 1 MB, 200 MB over 1, 4, 16 connections, and the processor time they cost";
  }

  @Override
  public void run(Bench bench) throws IOException {
    Map<String, String> variables = bench.servers().variables("blobs");
    Path storage = Path.of(variables.get("STORAGE_PATH"));
    Path files = bench.servers().folder("blobs/files");
    Map<String, String> blobs = new LinkedHashMap<>();
    for (Map.Entry<String, Integer> size : SIZES.entrySet()) {
      blobs.put(size.getKey(), write(files, storage, size.getValue()));
    }
    try (Server nixery = bench.servers().nixery(variables);
        Server nginx = bench.servers().nginx(files);
        Server go = bench.servers().go(files)) {
      for (Map.Entry<String, String> blob : blobs.entrySet()) {
        int size = SIZES.get(blob.getKey());
        for (int connections : List.of(1, 4, 16)) {
          List<Bench.Subject> subjects = new ArrayList<>();
          subjects.add(
              subject(bench, nixery, "/v2/x/blobs/sha256:" + blob.getValue(), size, connections));
          subjects.add(subject(bench, go, "/" + blob.getValue(), size, connections));
          subjects.add(subject(bench, nginx, "/" + blob.getValue(), size, connections));
          boolean isLayer = size >= 1_000_000;
          bench.alternate(
              name(),
              "%s, %d connections".formatted(blob.getKey(), connections),
              List.of(
                  new Bench.Quantity("throughput", "GB/s", isLayer ? ">= 1.2 x go" : ""),
                  new Bench.Quantity("processor time", "s/GB", isLayer ? "<= 1.5 x go" : "")),
              subjects);
        }
      }
    }
  }

  private static Bench.Subject subject(
      Bench bench, Server server, String path, int size, int connections) {
    return new Bench.Subject(
        server.subject(),
        () -> {
          Load all = Load.of(server, path, connections, bench.seconds());
          // Of large ones, many are cut off at the end.
          Load load = size <= 1_000_000 ? all.ofBodies(size) : all;
          return Map.of(
              "throughput", load.gigabytesPerSecond(),
              "processor time", load.processorSecondsPerGigabyte());
        });
  }

  /** Writes random bytes for the references, and where Nixery's folder storage keeps a blob. */
  private static String write(Path files, Path storage, int size) {
    try {
      Path file = Files.createTempFile(files, "blob", "");
      var sha256 = Digest.sha256();
      Random random = new Random(size);
      byte[] piece = new byte[1000];
      try (OutputStream out = new DigestOutputStream(Files.newOutputStream(file), sha256)) {
        for (int written = 0; written < size; written += piece.length) {
          random.nextBytes(piece);
          out.write(piece);
        }
      }
      String digest = Digest.of(sha256).hex();
      Files.move(file, files.resolve(digest));
      Path object = storage.resolve("objects/blobs/_" + digest.substring(0, 2)).resolve(digest);
      Files.createDirectories(object.getParent());
      Files.createLink(object, files.resolve(digest));
      return digest;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

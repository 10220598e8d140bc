package nixery.popcount;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import nixery.image.StorePath;

/**
 * Fetches narinfos: {@code BASE/HASH.narinfo} is that of the path whose name begins with the hash.
 */
final class BinaryCache {

  /** That there is no such thing; of S3 buckets that cannot be listed, 403 is, as Nix knows too. */
  private static final Set<Integer> MISSING = Set.of(403, 404, 410);

  /** Is told what becomes of paths, by several threads. */
  interface Receiver {

    /** A narinfo was fetched. */
    void fetched(NarInfo info) throws IOException;

    /** There is none for a path. */
    void missing(StorePath path);

    /** What is there for a path makes no sense. */
    void invalid(StorePath path);

    /** It cannot be had now, for a reason that is a sentence. */
    void failed(StorePath path, String reason);
  }

  private final Http http;
  private final URI base;

  /**
   * Checks that there is a binary cache.
   *
   * @param http fetches
   * @param base its address
   * @throws PopcountException if there is none, or it is for another store
   * @throws InterruptedException if the thread was interrupted
   */
  BinaryCache(Http http, URI base) throws InterruptedException {
    this.http = http;
    this.base = base;
    check();
  }

  /** Asks for what Nix asks for first, too. */
  private void check() throws InterruptedException {
    String info =
        http.get(Release.below(base, "nix-cache-info"), 1 << 16)
            .body()
            .map(bytes -> new String(bytes, StandardCharsets.UTF_8))
            .orElseThrow(() ->
                new PopcountException(
                    "There is no binary cache at %s: it has no file nix-cache-info."
                        .formatted(base)));
    if (info.lines().noneMatch(line -> line.strip().matches("StoreDir:\\s*/nix/store"))) {
      throw new PopcountException(
          "The binary cache at %s is not for %s.".formatted(base, StorePath.STORE_DIRECTORY));
    }
  }

  /**
   * Fetches the narinfos of some paths.
   *
   * @param paths base names of store paths
   * @param threads how many to fetch at the same time
   * @param receiver gets them
   * @throws PopcountException if the binary cache is gone, or what the receiver throws
   * @throws IOException what the receiver throws
   * @throws InterruptedException if the thread was interrupted
   */
  void fetch(List<String> paths, int threads, Receiver receiver)
      throws IOException, InterruptedException {
    AtomicInteger next = new AtomicInteger();
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      CompletionService<Optional<Void>> workers = new ExecutorCompletionService<>(executor);
      for (int i = 0; i < threads; i++) {
        workers.submit(() -> {
          for (int n = next.getAndIncrement(); n < paths.size(); n = next.getAndIncrement()) {
            fetch(new StorePath(paths.get(n)), receiver);
          }
          return Optional.empty();
        });
      }
      try {
        for (int i = 0; i < threads; i++) {
          workers.take().get();
        }
      } catch (ExecutionException e) {
        throw failure(e.getCause());
      } finally {
        executor.shutdownNow();
      }
    }
  }

  private static IOException failure(Throwable cause) {
    return switch (cause) {
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      case IOException e -> e;
      default -> throw new IllegalStateException("nobody interrupts a worker", cause);
    };
  }

  private void fetch(StorePath path, Receiver receiver) throws IOException, InterruptedException {
    URI uri = Release.below(base, path.hash() + ".narinfo");
    Http.Answer<byte[]> answer;
    try {
      answer = http.get(uri, NarInfo.MOST_BYTES);
    } catch (Http.NoAnswerException e) {
      check(); // Nothing can be had of a cache that is gone.
      receiver.failed(path, e.getMessage());
      return;
    }
    if (MISSING.contains(answer.status())) {
      receiver.missing(path);
    } else if (answer.body().isEmpty()) {
      receiver.failed(
          path, "%s answers status %d.".formatted(Http.show(answer.uri()), answer.status()));
    } else {
      Optional<NarInfo> info = parse(answer.body().get(), path);
      if (info.isPresent()) {
        receiver.fetched(info.get());
      } else {
        receiver.invalid(path);
      }
    }
  }

  private static Optional<NarInfo> parse(byte[] bytes, StorePath path) {
    try {
      return Optional.of(NarInfo.parse(new String(bytes, StandardCharsets.ISO_8859_1), path));
    } catch (IllegalArgumentException e) {
      return Optional.empty(); // which is told
    }
  }
}

package nixery.server.popularity;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import nixery.api.Scratch;
import nixery.image.Digest;
import nixery.image.Popularity;
import nixery.server.metrics.Metrics;
import nixery.server.metrics.PopularityLoad;
import nixery.server.popularity.PopularityCopy.Validators;

/**
 * Popularity data that are looked for again from time to time. What is read and makes sense is used
 * from then on, and kept as a copy for the next start; what cannot be read, or makes no sense,
 * changes nothing. Thread-safe.
 */
public final class PopularityFeed implements Supplier<Popularity>, AutoCloseable {

  private static final System.Logger LOG = System.getLogger(PopularityFeed.class.getName());

  /** How long the data may take. */
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** When to try again after a failure, at the latest. */
  private static final Duration RETRY = Duration.ofSeconds(60);

  private final PopularityAddress address;
  private final Duration refresh;
  private final Path file;
  private final Scratch scratch;
  private final Metrics metrics;
  private final PopularityFetcher fetcher = new PopularityFetcher(PATIENCE);
  private final CountDownLatch tried = new CountDownLatch(1);
  private final Thread thread = Thread.ofVirtual().name("popularity").unstarted(this::run);

  private volatile Popularity current = Popularity.none();

  /** Those of the current data; used by one thread at a time. */
  private Optional<Validators> validators = Optional.empty();

  private Optional<String> lastFailure = Optional.empty();

  private PopularityFeed(
      PopularityAddress address, Duration refresh, Path folder, Scratch scratch, Metrics metrics) {
    this.address = address;
    this.refresh = refresh;
    this.file = folder.resolve(Digest.of(whole(address).getBytes(StandardCharsets.UTF_8)).hex());
    this.scratch = scratch;
    this.metrics = metrics;
  }

  /** Returns what tells an address from all others, the query included: not to be shown. */
  private static String whole(PopularityAddress address) {
    return switch (address) {
      case PopularityAddress.File(Path path) -> path.toString();
      case PopularityAddress.Web(URI uri) -> uri.toString();
    };
  }

  /**
   * Starts to look for data. Returns when the first attempt is over, or after a while: with the
   * data, else with the copy of the last ones, else with none. What the first images are built with
   * should be what the next ones are built with, and that is worth a short wait.
   *
   * @param address where they are published
   * @param refresh how long to rely on them
   * @param folder for the copy; made if it is not there
   * @param patience how long to wait at most
   * @param metrics gets what is measured
   * @return the feed, to be closed
   * @throws IOException if the folder cannot be written
   */
  public static PopularityFeed start(
      PopularityAddress address, Duration refresh, Path folder, Duration patience, Metrics metrics)
      throws IOException {
    Scratch scratch = Scratch.open(folder.resolve("scratch"));
    PopularityFeed feed = new PopularityFeed(address, refresh, folder, scratch, metrics);
    metrics.observePopularity(() -> feed.current.packages().size());
    feed.restore();
    feed.thread.start();
    feed.await(patience);
    return feed;
  }

  private void restore() {
    if (!Files.exists(file)) {
      return;
    }
    try {
      PopularityCopy copy = PopularityCopy.read(file);
      current = read(copy);
      validators = Optional.of(copy.validators());
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "the copy of the popularity data cannot be used", e);
    }
  }

  private void await(Duration patience) {
    try {
      if (!tried.await(patience.toMillis(), TimeUnit.MILLISECONDS)) {
        LOG.log(
            System.Logger.Level.WARNING,
            "{0} takes longer than {1} seconds: the server starts with {2}",
            address,
            patience.toSeconds(),
            described(current));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    try {
      while (true) {
        boolean good = load();
        tried.countDown();
        Thread.sleep(good || refresh.compareTo(RETRY) < 0 ? refresh : RETRY);
      }
    } catch (InterruptedException e) {
      // Closed.
    }
  }

  private boolean load() throws InterruptedException {
    try {
      Optional<PopularityCopy> news = fetcher.fetch(address, validators);
      Popularity before = current;
      if (news.isPresent()) {
        use(news.get());
      }
      boolean changed = !current.digest().equals(before.digest());
      metrics.popularityLoaded(changed ? PopularityLoad.CHANGED : PopularityLoad.UNCHANGED);
      if (changed || lastFailure.isPresent()) {
        LOG.log(System.Logger.Level.INFO, "{0}: {1}", address, described(current));
      }
      lastFailure = Optional.empty();
      return true;
    } catch (IOException e) {
      failed(e);
    } catch (RuntimeException e) {
      failed(e);
    }
    return false;
  }

  private void use(PopularityCopy news) throws IOException {
    current = read(news);
    validators = Optional.of(news.validators());
    try {
      news.write(file, scratch);
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "the popularity data cannot be kept", e);
    }
  }

  private void failed(Exception e) {
    metrics.popularityLoaded(PopularityLoad.FAILED);
    Optional<String> failure = Optional.of(String.valueOf(e.getMessage()));
    if (!failure.equals(lastFailure)) {
      LOG.log(
          System.Logger.Level.WARNING,
          "{0} cannot be used, and images are layered with {1} until it can: {2}",
          address,
          described(current),
          failure.get());
      LOG.log(System.Logger.Level.DEBUG, "the cause of that", e);
    }
    lastFailure = failure;
  }

  private static Popularity read(PopularityCopy copy) throws IOException {
    Popularity popularity = Popularity.read(new ByteArrayInputStream(copy.data()));
    if (popularity.packages().isEmpty()) {
      throw new IOException("popularity data without any package");
    }
    return popularity;
  }

  private static String described(Popularity popularity) {
    if (popularity.packages().isEmpty()) {
      return "no popularity data";
    }
    return "the popularity of %d packages%s%s"
        .formatted(
            popularity.packages().size(),
            popularity.channel().map(channel -> " of " + printable(channel)).orElse(""),
            popularity.revision().map(revision -> " at " + printable(revision)).orElse(""));
  }

  private static String printable(String text) {
    String line = text.replaceAll("\\p{Cntrl}", "?");
    return line.length() > 100 ? line.substring(0, 100) + "…" : line;
  }

  /** Returns the data as they are now; those of nothing if there never were any. */
  @Override
  public Popularity get() {
    return current;
  }

  /** Stops looking. */
  @Override
  public void close() {
    thread.interrupt();
    fetcher.close();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    scratch.close();
  }
}

package nixery.popcount;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import nixery.image.Popularity;
import nixery.image.StorePath;

/**
 * One run of the command: list the paths, take the narinfos that are kept, fetch the others, count,
 * write.
 */
final class Popcount {

  /** The log is written anew when so many times as much in it is of no use any more. */
  private static final int DEAD_TO_LIVE = 3;

  /** How many of those that failed are named. */
  private static final int NAMED = 10;

  private final Options options;
  private final Http.Patience patience;
  private final PrintStream err;
  private final boolean terminal;
  private volatile Optional<Progress> progress = Optional.empty();
  private boolean complete = true;

  /**
   * Prepares a run.
   *
   * @param options what to do
   * @param patience with servers
   * @param err gets what is told to people
   * @param terminal whether that is a terminal
   */
  Popcount(Options options, Http.Patience patience, PrintStream err, boolean terminal) {
    this.options = options;
    this.patience = patience;
    this.err = err;
    this.terminal = terminal;
  }

  /**
   * Does it.
   *
   * @param out gets the result, unless it goes to a file
   * @return whether all was counted that there is; if not, a later run may get the rest
   * @throws PopcountException if it cannot
   * @throws IOException if something cannot be read or written here
   * @throws InterruptedException if the thread was interrupted
   */
  boolean run(OutputStream out) throws IOException, InterruptedException {
    Popularity popularity =
        options.channel().isPresent() ? channel(options.channel().get()) : store();
    if (options.output().isPresent()) {
      write(popularity, options.output().get());
    } else {
      popularity.write(out);
    }
    return complete;
  }

  private void say(String text) {
    progress.ifPresentOrElse(bar -> bar.note(text), () -> err.println("popcount: " + text));
  }

  private Popularity store() throws InterruptedException {
    Counter counter = new Counter();
    int paths = LocalStore.count(counter);
    Popularity popularity = counter.result(Optional.empty(), Optional.empty());
    say(
        "%d packages in %d paths of the local store"
            .formatted(popularity.packages().size(), paths));
    return popularity;
  }

  private Popularity channel(String channel) throws IOException, InterruptedException {
    try (NarInfoLog log = NarInfoLog.open(options.folder(), options.cache());
        Http http = new Http(patience, options.parallel(), this::say)) {
      Path list = log.beside("-store-paths.xz");
      try {
        Release release = Release.fetch(http, options.channels(), channel, list);
        say("%s is at %s".formatted(channel, release.revision()));
        return count(channel, release, log, http);
      } finally {
        Files.deleteIfExists(list);
      }
    }
  }

  private Popularity count(String channel, Release release, NarInfoLog log, Http http)
      throws IOException, InterruptedException {
    Counter counter = new Counter();
    Set<String> left = paths(release);
    int all = left.size();
    if (all == 0) {
      throw new PopcountException("The channel " + channel + " has no paths.");
    }
    int[] dead = {0};
    log.forEach(info -> {
      if (left.remove(info.path().baseName())) {
        counter.add(info.path(), info.narSize(), info.references());
      } else {
        dead[0]++;
      }
    });
    int kept = all - left.size();
    say("%d paths, of which %d are known".formatted(all, kept));
    Losses losses = new Losses(all);
    if (!left.isEmpty()) {
      fetch(List.copyOf(left), counter, log, http, losses);
    }
    tell(losses);
    if (dead[0] > (long) DEAD_TO_LIVE * all) {
      Set<String> live = paths(release);
      log.retain(path -> live.contains(path.baseName()));
    }
    Popularity popularity = counter.result(Optional.of(channel), Optional.of(release.revision()));
    say(
        "%d packages in %d paths; %d fetched, %d known before, %d missing, %d invalid, %d failed"
            .formatted(
                popularity.packages().size(),
                all,
                left.size() - losses.all(),
                kept,
                losses.missing,
                losses.invalid,
                losses.failed));
    if (losses.failed > 0) {
      complete = false;
      say(
          "The result is incomplete: %d of %d paths could not be fetched. Run it again to fetch them."
              .formatted(losses.failed, all));
    }
    return popularity;
  }

  private static Set<String> paths(Release release) {
    Set<String> paths = new HashSet<>();
    release.forEachPath(path -> paths.add(path.baseName()));
    return paths;
  }

  /** Paths without narinfos. Thread-safe while they are fetched. */
  private final class Losses {
    final int paths;
    int missing;
    int invalid;
    int failed;
    Optional<StorePath> example = Optional.empty();
    final List<String> reasons = new ArrayList<>();

    Losses(int paths) {
      this.paths = paths;
    }

    int all() {
      return missing + invalid + failed;
    }

    synchronized void missing(StorePath path) {
      missing++;
      example = example.or(() -> Optional.of(path));
    }

    synchronized void invalid(StorePath path) {
      invalid++;
      example = example.or(() -> Optional.of(path));
    }

    /** Where that is no exception, it would take hours of attempts and be no result. */
    synchronized void failed(String reason) {
      failed++;
      if (reasons.size() < NAMED) {
        reasons.add(reason);
      }
      if (failed > Math.max(NAMED, paths / 100)) {
        throw new PopcountException(
            "%s fails too often, for %d of %d paths: try again later; what was fetched is kept. At last: %s"
                .formatted(options.cache(), failed, paths, reason));
      }
    }
  }

  private void fetch(List<String> paths, Counter counter, NarInfoLog log, Http http, Losses losses)
      throws IOException, InterruptedException {
    BinaryCache cache = new BinaryCache(http, options.cache());
    try (Progress bar = new Progress(err, terminal, paths.size())) {
      progress = Optional.of(bar);
      cache.fetch(
          paths,
          options.parallel(),
          new BinaryCache.Receiver() {
            @Override
            public void fetched(NarInfo info) throws IOException {
              log.add(info);
              synchronized (counter) {
                counter.add(info.path(), info.narSize(), info.references());
              }
              bar.step();
            }

            @Override
            public void missing(StorePath path) {
              losses.missing(path);
              bar.step();
            }

            @Override
            public void invalid(StorePath path) {
              losses.invalid(path);
              bar.step();
            }

            @Override
            public void failed(StorePath path, String reason) {
              losses.failed(reason);
              bar.step();
            }
          });
    } finally {
      progress = Optional.empty();
    }
  }

  /** Counting on with half of the paths would give a result that looks good and is not. */
  private void tell(Losses losses) {
    losses.example.ifPresent(path ->
        say(
            "%s has no usable narinfo of %d paths, such as %s"
                .formatted(options.cache(), losses.missing + losses.invalid, path)));
    losses.reasons.forEach(this::say);
    if (losses.failed > NAMED) {
      say("and %d more that failed".formatted(losses.failed - NAMED));
    }
    if (losses.missing + losses.invalid > losses.paths / 2) {
      throw new PopcountException(
          "%s does not have most of the paths: give the binary cache of this channel with --cache-url."
              .formatted(options.cache()));
    }
  }

  /** Writes a file that is there in full or as it was. */
  private static void write(Popularity popularity, Path file) throws IOException {
    Path unfinished =
        file.resolveSibling("." + file.getFileName() + "." + UUID.randomUUID() + ".tmp");
    try {
      try (OutputStream out =
          Files.newOutputStream(
              unfinished, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        popularity.write(out);
      }
      Files.move(
          unfinished, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(unfinished);
    }
  }
}

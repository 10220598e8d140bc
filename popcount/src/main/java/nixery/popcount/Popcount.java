package nixery.popcount;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
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

  private final Options options;
  private final Http.Patience patience;
  private final PrintStream err;
  private final boolean terminal;
  private volatile Optional<Progress> progress = Optional.empty();

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
   * @throws PopcountException if it cannot
   * @throws IOException if something cannot be read or written here
   * @throws InterruptedException if the thread was interrupted
   */
  void run(OutputStream out) throws IOException, InterruptedException {
    Popularity popularity =
        options.channel().isPresent() ? channel(options.channel().get()) : store();
    if (options.output().isPresent()) {
      write(popularity, options.output().get());
    } else {
      popularity.write(out);
    }
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
    Losses losses = left.isEmpty() ? new Losses() : fetch(List.copyOf(left), counter, log, http);
    tell(losses, all);
    if (dead[0] > (long) DEAD_TO_LIVE * all) {
      Set<String> live = paths(release);
      log.retain(path -> live.contains(path.baseName()));
    }
    Popularity popularity = counter.result(Optional.of(channel), Optional.of(release.revision()));
    say(
        "%d packages in %d paths; %d fetched, %d known before, %d missing, %d invalid"
            .formatted(
                popularity.packages().size(),
                all,
                left.size() - losses.missing - losses.invalid,
                kept,
                losses.missing,
                losses.invalid));
    return popularity;
  }

  private static Set<String> paths(Release release) {
    Set<String> paths = new HashSet<>();
    release.forEachPath(path -> paths.add(path.baseName()));
    return paths;
  }

  /** Paths without narinfos. */
  private static final class Losses {
    int missing;
    int invalid;
    Optional<StorePath> example = Optional.empty();
  }

  private Losses fetch(List<String> paths, Counter counter, NarInfoLog log, Http http)
      throws IOException, InterruptedException {
    BinaryCache cache = new BinaryCache(http, options.cache());
    Losses losses = new Losses();
    try (Progress bar = new Progress(err, terminal, paths.size())) {
      progress = Optional.of(bar);
      cache.fetch(
          paths,
          options.parallel(),
          new BinaryCache.Receiver() {
            @Override
            public void fetched(NarInfo info) throws IOException {
              log.add(info);
              synchronized (losses) {
                counter.add(info.path(), info.narSize(), info.references());
              }
              bar.step();
            }

            @Override
            public void failed(StorePath path, BinaryCache.Outcome why) {
              synchronized (losses) {
                losses.missing += why == BinaryCache.Outcome.MISSING ? 1 : 0;
                losses.invalid += why == BinaryCache.Outcome.INVALID ? 1 : 0;
                losses.example = losses.example.or(() -> Optional.of(path));
              }
              bar.step();
            }
          });
    } finally {
      progress = Optional.empty();
    }
    return losses;
  }

  /** Counting on with half of the paths would give a result that looks good and is not. */
  private void tell(Losses losses, int all) {
    int lost = losses.missing + losses.invalid;
    losses.example.ifPresent(path ->
        say(
            "%s has no usable narinfo of %d paths, such as %s"
                .formatted(options.cache(), lost, path)));
    if (lost > all / 2) {
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

package nixery.source.channel;

import java.io.IOException;
import java.io.InputStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import nixery.api.Scratch;
import nixery.api.source.SourceException;
import nixery.api.source.SourceUnavailableException;
import nixery.api.source.UnknownTagException;

/**
 * Knows what channels point to. A channel is asked for at most once in a while, by one thread for
 * all that want to know; those who come meanwhile get the last answer, if there is one. It is kept
 * on disk, and given when the host does not answer.
 *
 * <p>{@code BASE/CHANNEL/nixexprs.tar.xz} redirects to the tarball of a release and says in an
 * {@link ImmutableLink} which commit that is. Where it does not say so, the file {@code
 * git-revision} beside the tarball does.
 */
final class Channels {

  private static final Logger LOG = System.getLogger(Channels.class.getName());

  private static final String TARBALL = "nixexprs.tar.xz";
  private static final String REVISION = "git-revision";

  /** How many channels, with those that do not exist, are kept in mind. */
  private static final int MAX_CHANNELS = 1000;

  /** How long it may take to find out what a channel points to, redirects and all. */
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  /** How many channels are asked for at the same time. */
  private static final int MOST_AT_ONCE = 16;

  /** How long to rely on a channel not being there. */
  private static final Duration ABSENT = Duration.ofSeconds(60);

  /** How long to leave a host alone that failed, while there is an older answer. */
  private static final Duration PAUSE = Duration.ofSeconds(30);

  /**
   * What is known about a channel.
   *
   * @param pointer what it points to, or pointed to when its host answered last
   * @param warning why that is not as fresh as it should be, if it is not
   */
  record Current(Pointer pointer, Optional<String> warning) {}

  private final BaseUrl base;
  private final Http http;
  private final Duration refresh;
  private final Path folder;
  private final Scratch scratch;

  private final Semaphore slots = new Semaphore(MOST_AT_ONCE, true);
  private final Recent<Entry> entries = new Recent<>(MAX_CHANNELS);

  /**
   * Starts with what is on disk.
   *
   * @param base where channels are published
   * @param http asks
   * @param refresh how long to rely on an answer
   * @param folder an existing folder for answers of this base
   * @param scratch a scratch folder on the same file system
   */
  Channels(BaseUrl base, Http http, Duration refresh, Path folder, Scratch scratch) {
    this.base = base;
    this.http = http;
    this.refresh = refresh;
    this.folder = folder;
    this.scratch = scratch;
  }

  /**
   * Returns what a channel points to.
   *
   * @param channel its name
   * @return the pointer, with a warning if the host does not answer
   * @throws UnknownTagException if there is no such channel
   * @throws SourceUnavailableException if the host does not answer and never did
   */
  Current current(String channel) {
    try {
      return entries.get(channel, Entry::new).current();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SourceUnavailableException(
          "Interrupted while asking what " + channel + " points to.", e);
    }
  }

  /** What is known about one channel. */
  private final class Entry {

    private final String channel;
    private final ReentrantLock lock = new ReentrantLock();
    private boolean loaded;
    private Optional<Pointer> pointer = Optional.empty();
    private Optional<SourceException> failure = Optional.empty();

    /** The last answer with a pointer, for those who need not wait for a fresh one. */
    private volatile Optional<Current> last = Optional.empty();

    private long asked = System.nanoTime();
    private long askAgain;

    Entry(String channel) {
      this.channel = channel;
    }

    Current current() throws InterruptedException {
      long called = System.nanoTime();
      if (!lock.tryLock()) {
        Optional<Current> known = last;
        if (known.isPresent()) {
          return known.get();
        }
        lock.lockInterruptibly();
      }
      try {
        if (!loaded) {
          load();
        }
        boolean known = pointer.isPresent() || failure.isPresent();
        boolean justAsked = asked - called > 0;
        if (!known || (!justAsked && System.nanoTime() - askAgain >= 0)) {
          refresh();
        }
        return last.orElseThrow(failure::orElseThrow);
      } finally {
        lock.unlock();
      }
    }

    private void note() {
      last =
          pointer.map(known -> new Current(known, failure.map(reason -> warning(known, reason))));
    }

    private String warning(Pointer known, SourceException reason) {
      return "%s is served as it was at %s: %s"
          .formatted(channel, known.asked(), reason.getMessage());
    }

    private void load() {
      pointer = Channels.this.load(channel);
      Duration age =
          pointer.map(last -> Duration.between(last.asked(), Instant.now())).orElse(refresh);
      Duration left = age.isNegative() ? Duration.ZERO : refresh.minus(age);
      askAgain = System.nanoTime() + left.toNanos();
      loaded = true;
      note();
    }

    private void refresh() throws InterruptedException {
      Duration rest = refresh;
      try {
        pointer = Optional.of(ask(channel));
        failure = Optional.empty();
        save(channel, pointer.get());
      } catch (UnknownTagException e) {
        pointer = Optional.empty();
        failure = Optional.of(e);
        rest = shorter(refresh, ABSENT);
        forget(channel);
      } catch (SourceUnavailableException e) {
        failure = Optional.of(e);
        rest = pointer.isPresent() ? shorter(refresh, PAUSE) : Duration.ZERO;
      }
      asked = System.nanoTime();
      askAgain = asked + rest.toNanos();
      note();
    }
  }

  private static Duration shorter(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
  }

  /**
   * Asks what a channel points to.
   *
   * @param channel its name
   * @return the answer
   * @throws UnknownTagException if there is no such channel
   * @throws SourceUnavailableException if there is no answer
   * @throws InterruptedException if the thread was interrupted
   */
  Pointer ask(String channel) throws InterruptedException {
    if (!slots.tryAcquire(PATIENCE.toNanos(), TimeUnit.NANOSECONDS)) {
      throw new SourceUnavailableException("Too many channels are asked for at the same time.");
    }
    try {
      return askNow(channel);
    } finally {
      slots.release();
    }
  }

  private Pointer askNow(String channel) throws InterruptedException {
    Instant asked = Instant.now();
    URI start = base.resolve(channel + "/" + TARBALL);
    try {
      Place place = find(channel, start, asked.plus(PATIENCE));
      String revision =
          place.revision().isPresent() ? place.revision().get() : readRevision(channel, place);
      return new Pointer(revision, place.tarball(), place.immutable(), asked);
    } catch (IOException e) {
      throw new SourceUnavailableException(
          "It cannot be found out what the channel %s points to: %s. Check NIXERY_CHANNEL_URL and the"
                  .formatted(channel, e.getMessage())
              + " network.",
          e);
    }
  }

  /** Where a tarball was found. */
  private record Place(URI tarball, boolean immutable, Optional<String> revision) {

    Place(ImmutableLink link) {
      this(link.tarball(), true, link.revision());
    }
  }

  private Place find(String channel, URI start, Instant deadline)
      throws IOException, InterruptedException {
    URI at = start;
    Optional<Place> linked = Optional.empty();
    for (int hops = 0; hops <= Http.MAX_REDIRECTS; hops++) {
      HttpResponse<?> response = look(at, Duration.between(Instant.now(), deadline));
      int status = response.statusCode();
      Optional<URI> next = Http.redirect(response);
      if (hops == 0 && (status == 404 || status == 410)) {
        throw new UnknownTagException("There is no channel '" + channel + "' at " + base + ".");
      }
      if (next.isEmpty() && status != 200) {
        throw new Http.StatusException(status, at);
      }
      Optional<ImmutableLink> link = ImmutableLink.in(response.headers().allValues("Link"), at);
      if (link.isPresent()) {
        Http.checkStep(at, link.get().tarball());
        linked = link.map(Place::new);
      }
      if (next.isEmpty() || linked.flatMap(Place::revision).isPresent()) {
        return linked.orElse(new Place(at, false, Optional.empty()));
      }
      at = next.get();
    }
    throw new IOException(
        Http.show(start) + " redirects more than " + Http.MAX_REDIRECTS + " times");
  }

  private HttpResponse<?> look(URI uri, Duration patience)
      throws IOException, InterruptedException {
    HttpResponse<InputStream> response = http.exchange("HEAD", uri, patience);
    response.body().close();
    if (response.statusCode() == 405 || response.statusCode() == 501) {
      response = http.exchange("GET", uri, patience);
      response.body().close();
    }
    return response;
  }

  private String readRevision(String channel, Place place)
      throws IOException, InterruptedException {
    URI beside = place.tarball().resolve(REVISION);
    URI own = base.resolve(channel + "/" + REVISION);
    try {
      return readRevision(beside);
    } catch (Http.StatusException e) {
      if (!e.isNotFound() || beside.equals(own)) {
        throw e;
      }
      return readRevision(own);
    }
  }

  private String readRevision(URI uri) throws IOException, InterruptedException {
    try (InputStream in = http.open(uri, PATIENCE)) {
      String text = new String(in.readNBytes(100), StandardCharsets.UTF_8).strip();
      if (!Reference.COMMIT.matcher(text).matches()) {
        throw new IOException(Http.show(uri) + " does not hold a commit");
      }
      return text.toLowerCase(Locale.ROOT);
    }
  }

  private Optional<Pointer> load(String channel) {
    try {
      return Pointer.read(folder.resolve(channel));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      LOG.log(Level.WARNING, "cannot read what " + channel + " pointed to", e);
      return Optional.empty();
    }
  }

  private void save(String channel, Pointer pointer) {
    try {
      Path file = scratch.next();
      pointer.write(file);
      Files.move(
          file,
          folder.resolve(channel),
          StandardCopyOption.ATOMIC_MOVE,
          StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      LOG.log(Level.WARNING, "cannot keep what " + channel + " points to", e);
    }
  }

  private void forget(String channel) {
    try {
      Files.deleteIfExists(folder.resolve(channel));
    } catch (IOException e) {
      LOG.log(Level.WARNING, "cannot delete what " + channel + " pointed to", e);
    }
  }
}

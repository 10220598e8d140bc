package nixery.source.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.sun.net.httpserver.HttpExchange;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import nixery.api.ConfigurationException;
import nixery.api.PluginContext;
import nixery.api.Setting;
import nixery.api.Settings;
import nixery.api.source.InvalidPackageSetException;
import nixery.api.source.PackageSet;
import nixery.api.source.PackageSource;
import nixery.api.source.ResolvedTag;
import nixery.api.source.RevisionCache;
import nixery.api.source.SourceUnavailableException;
import nixery.api.source.UnknownTagException;
import nixery.source.channel.Tarballs.Tar;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class ChannelSourceTests {

  private static final String CHANNEL = "nixos-unstable";
  private static final String ONE = Tarballs.REVISIONS.get(0);
  private static final String TWO = Tarballs.REVISIONS.get(1);
  private static final String THREE = Tarballs.REVISIONS.get(2);
  private static final Duration NEVER = Duration.ofDays(1);
  private static final Duration ALWAYS = Duration.ofNanos(1);
  private static final Http.Deadlines PATIENT =
      new Http.Deadlines(
          Duration.ofSeconds(10),
          Duration.ofSeconds(20),
          Duration.ofSeconds(20),
          Duration.ofSeconds(60));

  @TempDir Path cache;
  private ChannelHost host = new ChannelHost();

  @AfterEach
  void stop() {
    host.close();
  }

  private PackageSource open(Duration refresh) {
    return open(refresh, PATIENT);
  }

  private PackageSource open(Duration refresh, Http.Deadlines deadlines) {
    return open(
        CHANNEL, new ChannelSource.Options(refresh, deadlines, Tarball.Limits.NIXPKGS, 3, NEVER));
  }

  private PackageSource open(String channel, ChannelSource.Options options) {
    return ChannelSource.open(
        Reference.of(channel).orElseThrow(),
        BaseUrl.of(URI.create(host.channels())),
        BaseUrl.of(URI.create(host.archive())),
        options,
        cache);
  }

  private static String content(PackageSource source, String tag) {
    return content(source, source.resolve(tag));
  }

  private static String content(PackageSource source, ResolvedTag resolved) {
    try (PackageSet set = source.checkout(resolved)) {
      return Files.readString(set.path().resolve("default.nix"));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** Returns the revisions on disk. */
  private List<String> revisions() throws IOException {
    List<String> revisions = new ArrayList<>();
    try (DirectoryStream<Path> sources = Files.newDirectoryStream(cache)) {
      for (Path source : sources) {
        try (Stream<Path> found = Files.list(source.resolve("nixpkgs/revisions"))) {
          found.forEach(revision -> revisions.add(revision.getFileName().toString()));
        }
      }
    }
    return revisions;
  }

  private void assertNothingLeft() throws IOException {
    try (Stream<Path> files = Files.walk(cache)) {
      assertThat(files.filter(file -> file.getFileName().toString().equals("scratch")))
          .allSatisfy(scratch -> assertThat(scratch).isEmptyDirectory());
    }
  }

  @Test
  void resolvesAChannelWithoutDownloadingIt() throws IOException {
    host.publish(CHANNEL, ONE, Tarballs.release(ONE, "one"));
    try (PackageSource source = open(NEVER)) {
      assertThat(source.resolve("latest"))
          .isEqualTo(new ResolvedTag("latest", Optional.of(ONE), Optional.empty()));
      assertThat(source.resolve(CHANNEL).revision()).contains(ONE);
      assertThat(host.requests()).containsExactly("HEAD /channels/nixos-unstable/nixexprs.tar.xz");

      assertThat(content(source, "latest")).isEqualTo("one");
      assertThat(content(source, "latest")).isEqualTo("one");
      assertThat(host.requests())
          .containsExactly("GET /releases/nixos-unstable/bbb4df715cb6/nixexprs.tar.xz");
    }
    assertNothingLeft();
  }

  @Test
  void followsAChannelThatMoves() {
    try (PackageSource source = open(ALWAYS)) {
      host.publish(CHANNEL, ONE, Tarballs.release(ONE, "one"));
      ResolvedTag before = source.resolve("latest");
      host.publish(CHANNEL, TWO, Tarballs.release(TWO, "two"));
      assertThat(content(source, "latest")).isEqualTo("two");
      assertThat(content(source, before)).isEqualTo("one");
      assertThat(content(source, "latest")).isEqualTo("two");
    }
  }

  @Test
  void anotherTagIsAnotherChannelOrACommit() {
    host.publish(CHANNEL, ONE, Tarballs.release(ONE, "one"));
    host.publish("nixos-25.11", TWO, Tarballs.release(TWO, "two"));
    host.publishCommit(THREE, commit(THREE, "three"));
    try (PackageSource source = open(NEVER)) {
      assertThat(content(source, "nixos-25.11")).isEqualTo("two");
      host.requests();
      assertThat(source.resolve(THREE.toUpperCase(java.util.Locale.ROOT)).revision())
          .contains(THREE);
      assertThat(host.requests()).isEmpty();
      assertThat(content(source, THREE)).isEqualTo("three");
      assertThat(host.requests()).containsExactly("GET /archive/" + THREE + ".tar.gz");
      assertThat(source.tags()).containsExactly("latest", CHANNEL);
      assertThat(source.identity())
          .isEqualTo("nixpkgs of " + host.channels() + " and " + host.archive());
    }
    try (PackageSource source =
        open(THREE, new ChannelSource.Options(NEVER, PATIENT, Tarball.Limits.NIXPKGS, 3, NEVER))) {
      assertThat(source.tags()).containsExactly(THREE, "latest");
      assertThat(content(source, "latest")).isEqualTo("three");
      assertThat(content(source, "nixos-25.11")).isEqualTo("two");
      assertThat(host.requests()).isEmpty();
    }
  }

  private static byte[] commit(String id, String content) {
    return Tarballs.gzip(
        new Tar().pax('g', "comment=" + id).file("nixpkgs-" + id + "/default.nix", content).end());
  }

  @Test
  void saysWhatIsNotThere() {
    host.publish(CHANNEL, ONE, Tarballs.release(ONE, "one"));
    try (PackageSource source = open(NEVER)) {
      assertThatThrownBy(() -> source.resolve("nixos-99.99"))
          .isInstanceOf(UnknownTagException.class)
          .hasMessage("There is no channel 'nixos-99.99' at " + host.channels() + ".");
      host.requests();
      assertThatThrownBy(() -> source.resolve("nixos-99.99"))
          .isInstanceOf(UnknownTagException.class);
      assertThatThrownBy(() -> source.resolve("a/../b")).isInstanceOf(UnknownTagException.class);
      assertThatThrownBy(() -> source.resolve("_x")).isInstanceOf(UnknownTagException.class);
      assertThat(host.requests()).isEmpty();

      ResolvedTag commit = source.resolve(TWO);
      assertThatThrownBy(() -> source.checkout(commit))
          .isInstanceOf(UnknownTagException.class)
          .hasMessage("There is no commit " + TWO + " at " + host.archive() + ".");
    }
  }

  @Test
  void saysThatThereIsNoPackageSet() {
    host.publish(CHANNEL, ONE, Tarballs.xz(new Tar().file("top/readme", "x").end()));
    try (PackageSource source = open(NEVER)) {
      ResolvedTag resolved = source.resolve("latest");
      assertThatThrownBy(() -> source.checkout(resolved))
          .isInstanceOf(InvalidPackageSetException.class)
          .hasMessageContaining("default.nix");
      host.requests();
      assertThatThrownBy(() -> source.checkout(resolved))
          .isInstanceOf(InvalidPackageSetException.class);
      assertThat(host.requests()).isEmpty();
    }
  }

  @Test
  void readsTheRevisionBesideTheTarballWhereTheLinkLacksIt() {
    String release = "/releases/nixos/13.10/nixexprs.tar.xz";
    host.answer(release, ChannelHost.bytes(Tarballs.release(ONE, "old")));
    host.answer("/releases/nixos/13.10/git-revision", text(ONE + "\n"));
    host.answer(
        "/channels/nixos-13.10/nixexprs.tar.xz",
        exchange -> {
          exchange.getResponseHeaders().add("Link", "<" + release + ">; rel=\"immutable\"");
          ChannelHost.redirect(301, release).to(exchange);
        });
    try (PackageSource source = open(NEVER)) {
      assertThat(content(source, "nixos-13.10")).isEqualTo("old");
    }
    assertThat(host.requests())
        .containsExactly(
            "HEAD /channels/nixos-13.10/nixexprs.tar.xz",
            "HEAD " + release,
            "GET /releases/nixos/13.10/git-revision",
            "GET " + release);
  }

  @Test
  void readsTheRevisionOfAPlainMirror() {
    // No redirect, no link, no HEAD: a folder of files behind a simple server.
    mirror(ONE, Tarballs.release(ONE, "one"));
    try (PackageSource source = open(ALWAYS)) {
      assertThat(content(source, "latest")).isEqualTo("one");
      ResolvedTag one = source.resolve("latest");
      mirror(TWO, Tarballs.release(TWO, "two"));
      assertThat(content(source, "latest")).isEqualTo("two");
      assertThat(content(source, one)).isEqualTo("one");
    }
  }

  @Test
  void doesNotTakeOneRevisionOfAPlainMirrorForAnother() {
    mirror(ONE, Tarballs.release(ONE, "one"));
    try (PackageSource source = open(ALWAYS)) {
      ResolvedTag resolved = source.resolve("latest");
      mirror(TWO, Tarballs.release(TWO, "two"));
      assertThatThrownBy(() -> source.checkout(resolved))
          .isInstanceOf(SourceUnavailableException.class)
          .hasMessageContaining("is of revision " + TWO + ", not " + ONE);

      // The same without the file that tells the revision within the tarball.
      mirror(ONE, Tarballs.xz(new Tar().file("top/default.nix", "one").end()));
      ResolvedTag again = source.resolve("latest");
      host.answer("/channels/nixos-unstable/git-revision", text(TWO));
      assertThatThrownBy(() -> source.checkout(again))
          .isInstanceOf(SourceUnavailableException.class)
          .hasMessageContaining("moved from " + ONE + " to " + TWO);
      host.answer("/channels/nixos-unstable/git-revision", text(ONE));
      assertThat(content(source, again)).isEqualTo("one");
    }
  }

  private void mirror(String revision, byte[] tarball) {
    host.answer(
        "/channels/nixos-unstable/nixexprs.tar.xz",
        exchange -> {
          if (exchange.getRequestMethod().equals("HEAD")) {
            ChannelHost.status(405).to(exchange);
          } else {
            ChannelHost.bytes(tarball).to(exchange);
          }
        });
    host.answer("/channels/nixos-unstable/git-revision", text(revision));
  }

  private static ChannelHost.Answer text(String text) {
    return ChannelHost.bytes(text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void asksAgainOnlyWhenTheAnswerIsOld() {
    host.publish(CHANNEL, ONE, Tarballs.release(ONE, "one"));
    try (PackageSource source = open(NEVER)) {
      for (int i = 0; i < 5; i++) {
        assertThat(source.resolve("latest").revision()).contains(ONE);
      }
      assertThat(host.requests()).hasSize(1);
    }
    try (PackageSource again = open(NEVER)) {
      assertThat(again.resolve("latest").revision()).contains(ONE);
      assertThat(host.requests()).isEmpty();
    }
    host.publish(CHANNEL, TWO, Tarballs.release(TWO, "two"));
    try (PackageSource again = open(ALWAYS)) {
      assertThat(again.resolve("latest").revision()).contains(TWO);
    }
  }

  @Test
  void manyWhoAskAtOnceAskOnceAndDownloadOnce() throws Exception {
    host.publish(CHANNEL, ONE, Tarballs.release(ONE, "one"));
    try (PackageSource one = open(NEVER);
        PackageSource two = open(NEVER);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<String>> contents = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        PackageSource source = i % 2 == 0 ? one : two;
        contents.add(threads.submit(() -> content(source, "latest")));
      }
      for (Future<String> content : contents) {
        assertThat(content.get()).isEqualTo("one");
      }
      List<String> requests = host.requests();
      assertThat(requests).filteredOn(line -> line.startsWith("HEAD")).hasSizeBetween(1, 2);
      assertThat(requests).filteredOn(line -> line.startsWith("GET")).hasSize(1);
    }
  }

  static Stream<Arguments> faults() {
    byte[] page = "<html>".getBytes(StandardCharsets.UTF_8);
    return Stream.of(
        arguments("500", ChannelHost.status(500), "answered status 500"),
        arguments("503", ChannelHost.status(503), "answered status 503"),
        arguments("403", ChannelHost.status(403), "answered status 403"),
        arguments("304", ChannelHost.status(304), "answered status 304"),
        arguments("loop", ChannelHost.redirect(302, "?again"), "more than 5 times"),
        arguments("redirect to nowhere", ChannelHost.status(302), "redirects to nowhere"),
        arguments("redirect to a file", ChannelHost.redirect(302, "file:///x"), "not http"),
        arguments("redirect to junk", ChannelHost.redirect(302, "http://[x"), "no address"),
        arguments("a page for everything", ChannelHost.bytes(page), "does not hold a commit"),
        arguments("no answer", (ChannelHost.Answer) HttpExchange::close, "cannot be reached"),
        arguments("silence", ChannelHost.silence(), "timed out"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("faults")
  void servesTheLastGoodAnswerWhenTheHostFails(
      String name, ChannelHost.Answer fault, String message) {
    Http.Deadlines hasty =
        new Http.Deadlines(
            Duration.ofSeconds(5), Duration.ofMillis(500), Duration.ofMillis(500), NEVER);
    host.publish(CHANNEL, ONE, Tarballs.release(ONE, "one"));
    try (PackageSource source = open(ALWAYS, hasty)) {
      host.fail(fault);
      assertThatThrownBy(() -> source.resolve("latest"))
          .as(name)
          .isInstanceOf(SourceUnavailableException.class)
          .hasMessageContaining(message)
          .hasMessageContaining("Check NIXERY_CHANNEL_URL");
      host.recover();
      assertThat(source.resolve("latest").warning()).isEmpty();
      host.fail(fault);
      assertThat(source.resolve("latest").revision()).contains(ONE);
      assertThat(source.resolve("latest").warning())
          .hasValueSatisfying(
              warning -> assertThat(warning).contains("is served as it was", message));
    }
    try (PackageSource restarted = open(ALWAYS, hasty)) {
      assertThat(restarted.resolve("latest").revision()).contains(ONE);
      assertThat(restarted.resolve("latest").warning()).isPresent();
      host.recover();
      host.publish(CHANNEL, TWO, Tarballs.release(TWO, "two"));
      assertThat(restarted.resolve("latest"))
          .isEqualTo(new ResolvedTag("latest", Optional.of(TWO), Optional.empty()));
    }
  }

  @Test
  void leavesAFailingHostAloneForAWhile() throws IOException {
    host.publish(CHANNEL, ONE, Tarballs.release(ONE, "one"));
    try (PackageSource source = open(NEVER)) {
      source.resolve("latest");
    }
    Path record = record();
    Files.writeString(
        record, Files.readString(record).replaceAll("asked=.*", "asked=2026-01-01T00:00:00Z"));
    host.fail(ChannelHost.status(500));
    host.requests();
    try (PackageSource source = open(NEVER)) {
      for (int i = 0; i < 5; i++) {
        assertThat(source.resolve("latest").revision()).contains(ONE);
        assertThat(source.resolve("latest").warning())
            .hasValueSatisfying(warning ->
                assertThat(warning).contains("is served as it was at 2026-01-01T00:00:00Z"));
      }
      assertThat(host.requests()).hasSize(1);
    }
  }

  /** Returns the file in which is what the channel points to. */
  private Path record() throws IOException {
    try (Stream<Path> files = Files.walk(cache)) {
      return files.filter(file -> file.endsWith(CHANNEL)).findFirst().orElseThrow();
    }
  }

  @Test
  void servesTheLastGoodAnswerWhenTheHostIsGone() throws IOException {
    host.publish(CHANNEL, ONE, Tarballs.release(ONE, "one"));
    int port = host.port();
    try (PackageSource source = open(ALWAYS)) {
      assertThat(content(source, "latest")).isEqualTo("one");
      host.close();
      ResolvedTag resolved = source.resolve("latest");
      assertThat(resolved.warning()).isPresent();
      assertThat(content(source, resolved)).isEqualTo("one");
    }
    host = new ChannelHost(port);
    host.publish(CHANNEL, TWO, Tarballs.release(TWO, "two"));
    try (PackageSource source = open(ALWAYS)) {
      assertThat(content(source, "latest")).isEqualTo("two");
    }
    assertNothingLeft();
  }

  @Test
  void aRecordOnDiskThatIsDamagedIsForgotten() throws IOException {
    host.publish(CHANNEL, ONE, Tarballs.release(ONE, "one"));
    try (PackageSource source = open(NEVER)) {
      source.resolve("latest");
    }
    Path record = record();
    String good = Files.readString(record);
    for (String bad :
        List.of(
            "",
            "\0\0\0",
            "revision=..\n",
            good.replace(ONE, "../../x"),
            good.replace("http", "file"),
            good.replace("asked=", "asked=x"),
            "revision=\\u12")) {
      Files.writeString(record, bad);
      host.requests();
      try (PackageSource source = open(NEVER)) {
        assertThat(source.resolve("latest").revision()).contains(ONE);
      }
      assertThat(host.requests()).as("after '%s'", bad).hasSize(1);
    }
  }

  static Stream<Arguments> badTarballs() {
    byte[] good = Tarballs.release(ONE, "x".repeat(5000));
    byte[] corrupt = good.clone();
    corrupt[good.length / 2] ^= 0x55;
    byte[] page = "<html>an error</html>".getBytes(StandardCharsets.UTF_8);
    byte[] noise = new byte[1 << 20];
    new java.util.Random(7).nextBytes(noise);
    byte[] large =
        Tarballs.xz(new Tar().file("top/a", "x").entry('0', "top/default.nix", "", noise).end());
    byte[] outside = Tarballs.xz(new Tar().file("top/../../../x", "x").end());
    return Stream.of(
        arguments("corrupt", ChannelHost.bytes(corrupt), "Nothing of it was kept"),
        arguments("page", ChannelHost.bytes(page), "neither compressed with xz nor with gzip"),
        arguments("empty", ChannelHost.bytes(new byte[0]), "neither compressed"),
        arguments(
            "short", ChannelHost.bytes(java.util.Arrays.copyOf(large, 500_000)), "is cut short"),
        arguments("cut", ChannelHost.half(large), "was cut off"),
        arguments("stalled", ChannelHost.stalling(large), "sent nothing for 1 seconds"),
        arguments("dripping", ChannelHost.dripping(large), "takes longer than 3 seconds"),
        arguments("silent", ChannelHost.silence(), "timed out"),
        arguments("hostile", ChannelHost.bytes(outside), "leads out of it"),
        arguments("gone", ChannelHost.status(404), "answered status 404"),
        arguments("broken", ChannelHost.status(502), "answered status 502"),
        arguments(
            "other revision",
            ChannelHost.bytes(Tarballs.release(TWO, "two")),
            "is of revision " + TWO));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("badTarballs")
  void keepsNothingOfABadTarball(String name, ChannelHost.Answer answer, String message)
      throws IOException {
    Http.Deadlines hasty =
        new Http.Deadlines(
            Duration.ofSeconds(5),
            Duration.ofSeconds(1),
            Duration.ofSeconds(1),
            Duration.ofSeconds(3));
    byte[] good = Tarballs.release(ONE, "one");
    host.publish(CHANNEL, ONE, good);
    String release = "/releases/nixos-unstable/" + ONE.substring(0, 12) + "/nixexprs.tar.xz";
    try (PackageSource source = open(NEVER, hasty)) {
      host.answer(release, answer);
      ResolvedTag resolved = source.resolve("latest");
      assertThatThrownBy(() -> source.checkout(resolved))
          .as(name)
          .isInstanceOf(SourceUnavailableException.class)
          .hasMessageContaining(message);
      assertThat(revisions()).isEmpty();
      host.answer(release, ChannelHost.bytes(good));
      assertThat(content(source, resolved)).isEqualTo("one");
    }
    assertNothingLeft();
  }

  @Test
  void asksForFewChannelsAtATime() throws Exception {
    AtomicInteger asking = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    host.fail(exchange -> {
      most.accumulateAndGet(asking.incrementAndGet(), Math::max);
      ChannelHost.pause(Duration.ofMillis(100));
      asking.decrementAndGet();
      ChannelHost.status(404).to(exchange);
    });
    try (PackageSource source = open(NEVER);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        String channel = "channel-" + i;
        all.add(threads.submit(() -> source.resolve(channel)));
      }
      for (Future<?> one : all) {
        assertThatThrownBy(one::get).hasCauseInstanceOf(UnknownTagException.class);
      }
    }
    assertThat(most).hasPositiveValue().hasValueLessThanOrEqualTo(16);
  }

  @Test
  void nobodyWaitsForAnotherToRefreshWhatIsKnown() throws Exception {
    host.publish(CHANNEL, ONE, Tarballs.release(ONE, "one"));
    try (PackageSource source = open(ALWAYS);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      source.resolve("latest");
      CountDownLatch asked = new CountDownLatch(1);
      CountDownLatch answer = new CountDownLatch(1);
      host.fail(exchange -> {
        asked.countDown();
        await(answer);
        ChannelHost.status(503).to(exchange);
      });
      Future<ResolvedTag> refreshing = threads.submit(() -> source.resolve("latest"));
      await(asked);
      Future<ResolvedTag> other = threads.submit(() -> source.resolve("latest"));

      assertThat(other.get(5, TimeUnit.SECONDS).revision()).contains(ONE);
      assertThat(refreshing.isDone()).isFalse();
      answer.countDown();
      assertThat(refreshing.get().revision()).contains(ONE);
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void refusesACommitThatIsAnother() {
    host.publishCommit(ONE, commit(TWO, "two"));
    try (PackageSource source = open(NEVER)) {
      ResolvedTag resolved = source.resolve(ONE);
      assertThatThrownBy(() -> source.checkout(resolved))
          .isInstanceOf(SourceUnavailableException.class)
          .hasMessageContaining("is of revision " + TWO);
    }
  }

  @Test
  void sendsCredentialsToTheirServerOnly() {
    try (ChannelHost other = new ChannelHost()) {
      List<String> seen = new ArrayList<>();
      byte[] tarball = Tarballs.release(ONE, "one");
      other.answer(
          "/nixexprs.tar.xz",
          exchange -> {
            seen.add(String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")));
            ChannelHost.bytes(tarball).to(exchange);
          });
      host.answer(
          "/channels/" + CHANNEL + "/nixexprs.tar.xz",
          exchange -> {
            String sent = exchange.getRequestHeaders().getFirst("Authorization");
            // "Aladdin:open sesame", the example of RFC 7617.
            if (!"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==".equals(sent)) {
              ChannelHost.status(401).to(exchange);
              return;
            }
            String url = other.origin() + "/nixexprs.tar.xz";
            exchange
                .getResponseHeaders()
                .add("Link", "<" + url + "?rev=" + ONE + ">; rel=\"immutable\"");
            ChannelHost.redirect(302, url).to(exchange);
          });
      Map<String, String> environment =
          Map.of(
              "NIXERY_CHANNEL",
              CHANNEL,
              "NIXERY_CHANNEL_URL",
              host.channels().replace("//", "//Aladdin:open%20sesame@"));
      try (PackageSource source = open(environment)) {
        assertThat(content(source, "latest")).isEqualTo("one");
        assertThat(source.identity()).doesNotContain("sesame").doesNotContain("Aladdin");
      }
      assertThat(seen).containsExactly("null");
      try (PackageSource source =
          open(Map.of("NIXERY_CHANNEL", CHANNEL, "NIXERY_CHANNEL_URL", host.channels()))) {
        assertThatThrownBy(() -> source.resolve("other-channel"))
            .isInstanceOf(UnknownTagException.class);
      }
    }
  }

  @Test
  void keepsAddressesSecretSinceTheyMayHoldCredentials() {
    assertThat(new ChannelSourceProvider().settings())
        .filteredOn(Setting::isSecret)
        .extracting(Setting::name)
        .containsExactly("NIXERY_CHANNEL_URL", "NIXERY_NIXPKGS_ARCHIVE_URL");
  }

  private PackageSource open(Map<String, String> environment) {
    return new ChannelSourceProvider().open(new PluginContext(Settings.of(environment), cache));
  }

  @ParameterizedTest
  @ValueSource(strings = {"latest", "a/b", "..", "-x", "nixos unstable", "https://nixos.org"})
  void refusesAChannelThatCannotBeOne(String channel) {
    assertThatThrownBy(() -> open(Map.of("NIXERY_CHANNEL", channel)))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("NIXERY_CHANNEL must be")
        .hasMessageContaining(channel);
  }

  @Test
  void refusesAnAddressThatNothingCanBeAppendedTo() {
    assertThatThrownBy(() ->
            open(Map.of("NIXERY_CHANNEL", CHANNEL, "NIXERY_CHANNEL_URL", "https://m.example/?a")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("NIXERY_CHANNEL_URL");
  }

  @Test
  void dropsOldRevisionsButNoneInUse() throws IOException {
    ChannelSource.Options two =
        new ChannelSource.Options(ALWAYS, PATIENT, Tarball.Limits.NIXPKGS, 1, NEVER);
    try (PackageSource source = open(CHANNEL, two)) {
      host.publish(CHANNEL, ONE, Tarballs.release(ONE, "one"));
      try (PackageSet used = source.checkout(source.resolve("latest"))) {
        host.publish(CHANNEL, TWO, Tarballs.release(TWO, "two"));
        assertThat(content(source, "latest")).isEqualTo("two");
        host.publish(CHANNEL, THREE, Tarballs.release(THREE, "three"));
        assertThat(content(source, "latest")).isEqualTo("three");
        assertThat(used.path().resolve("default.nix")).hasContent("one");
      }
    }
    assertThat(revisions()).containsExactlyInAnyOrder(ONE, THREE);
  }

  @Test
  void aProcessThatIsKilledWhileUnpackingLeavesNothing() throws Exception {
    host.publish(CHANNEL, ONE, Tarballs.release(ONE, "one"));
    String release = "/releases/nixos-unstable/" + ONE.substring(0, 12) + "/nixexprs.tar.xz";
    byte[] noise = new byte[1 << 20];
    new java.util.Random(7).nextBytes(noise);
    host.answer(
        release,
        ChannelHost.stalling(
            Tarballs.gzip(
                new Tar()
                    .file("top/unfinished", "x".repeat(100_000))
                    .entry('0', "top/default.nix", "", noise)
                    .end())));
    Process other = startOther();
    try (BufferedReader output = other.inputReader(StandardCharsets.UTF_8)) {
      assertThat(output.readLine()).isEqualTo("unpacking");
      try (Stream<Path> files = Files.walk(cache)) {
        assertThat(files.filter(file -> file.endsWith("unfinished"))).hasSize(1);
      }
    } finally {
      other.destroyForcibly();
      assertThat(other.waitFor(30, TimeUnit.SECONDS)).isTrue();
    }
    host.answer(release, ChannelHost.bytes(Tarballs.release(ONE, "one")));
    try (PackageSource source = open(NEVER)) {
      assertThat(content(source, "latest")).isEqualTo("one");
      try (Stream<Path> files = Files.walk(cache)) {
        assertThat(files.filter(file -> file.endsWith("unfinished"))).isEmpty();
      }
    }
    assertNothingLeft();
  }

  private Process startOther(String... options) throws Exception {
    return otherProcess(Unpacker.class, List.of(options), List.of(host.origin(), cache.toString()));
  }

  static Process otherProcess(Class<?> main, List<String> options, List<String> arguments)
      throws Exception {
    List<String> classPath = new ArrayList<>();
    for (Class<?> type :
        List.of(RevisionCache.class, ChannelSource.class, main, org.tukaani.xz.XZ.class)) {
      classPath.add(
          Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI()).toString());
    }
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.addAll(List.of("-cp", String.join(":", classPath), main.getName()));
    command.addAll(arguments);
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  /** A second process that checks out the channel; it is killed by the test. */
  static final class Unpacker {

    public static void main(String[] arguments) throws Exception {
      PackageSource source =
          new ChannelSourceProvider()
              .open(
                  new PluginContext(
                      Settings.of(
                          Map.of(
                              "NIXERY_CHANNEL",
                              CHANNEL,
                              "NIXERY_CHANNEL_URL",
                              arguments[0] + "/channels",
                              "NIXERY_NIXPKGS_ARCHIVE_URL",
                              arguments[0] + "/archive")),
                      Path.of(arguments[1])));
      Thread.ofVirtual().start(() -> source.checkout(source.resolve("latest")));
      while (!unpacking(Path.of(arguments[1]))) {
        Thread.sleep(20);
      }
      System.out.println("unpacking");
      Thread.sleep(60_000);
    }

    private static boolean unpacking(Path cache) throws IOException {
      try (Stream<Path> files = Files.walk(cache)) {
        return files.anyMatch(file -> file.endsWith("unfinished"));
      }
    }
  }
}

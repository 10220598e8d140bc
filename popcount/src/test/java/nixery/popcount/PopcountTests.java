package nixery.popcount;

import static org.assertj.core.api.Assertions.assertThat;

import io.helidon.http.HeaderNames;
import io.helidon.http.Status;
import io.helidon.webserver.http.Handler;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import nixery.image.Popularity;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class PopcountTests {

  private static final Http.Patience PATIENCE =
      new Http.Patience(
          4,
          Duration.ofMillis(10),
          Duration.ofSeconds(60),
          Duration.ofSeconds(5),
          Duration.ofSeconds(20));

  private static final List<NarInfo> INFOS = Packages.channel(200, 0);

  @TempDir Path folder;

  private final ChannelServer server = new ChannelServer();

  @AfterEach
  void stop() {
    server.close();
  }

  private record Result(int status, String out, String err) {
    Popularity popularity() throws IOException {
      return Popularity.read(new ByteArrayInputStream(out.getBytes(StandardCharsets.UTF_8)));
    }

    @Override
    public String toString() {
      return "status " + status + ": " + err;
    }
  }

  private Result run(String... more) throws InterruptedException {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--channel=test",
                "--channel-url=" + server.channels(),
                "--cache-url=" + server.cache(),
                "--cache=" + folder.resolve("cache")));
    for (String argument : more) {
      arguments.removeIf(usual -> usual.startsWith(argument.replaceAll("=.*", "=")));
      arguments.add(argument);
    }
    return run(arguments);
  }

  private static Result run(List<String> arguments) throws InterruptedException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int status =
        Main.run(
            arguments,
            Map.of(),
            PATIENCE,
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            false);
    return new Result(
        status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  private static void assertGood(Result result, List<NarInfo> infos) throws IOException {
    assertCounted(result, 0, infos);
  }

  private static void assertCounted(Result result, int status, List<NarInfo> infos)
      throws IOException {
    assertThat(result.status).as(result.err).isEqualTo(status);
    Counter counter = new Counter();
    infos.forEach(info -> counter.add(info.path(), info.narSize(), info.references()));
    assertThat(result.popularity().packages())
        .isEqualTo(counter.result(Optional.empty(), Optional.empty()).packages());
  }

  private void assertRefused(Result result, String... words) throws IOException {
    assertThat(result.status).as(result.err).isEqualTo(1);
    assertThat(result.out).isEmpty();
    assertThat(result.err.lines().toList().getLast())
        .startsWith("popcount: ")
        .endsWith(".")
        .satisfies(line -> List.of(words).forEach(word -> assertThat(line).contains(word)));
    try (Stream<Path> files = Files.list(folder.resolve("cache"))) {
      assertThat(files).noneMatch(file -> file.toString().endsWith(".xz"));
    }
  }

  @Test
  void countsAChannelOverHttp2() throws Exception {
    server.publish("test", INFOS);

    Result result = run();

    assertGood(result, INFOS);
    assertThat(result.popularity().channel()).contains("test");
    assertThat(result.popularity().revision()).contains(ChannelServer.REVISION);
    assertThat(server.narInfoRequests()).hasSize(200).doesNotHaveDuplicates();
    assertThat(server.requestsOver("2.0")).isGreaterThan(190);
  }

  @Test
  void fetchesOnlyWhatIsNew() throws Exception {
    server.publish("test", INFOS);
    String first = run().out;
    server.narInfoRequests();

    assertThat(run().out).isEqualTo(first);
    assertThat(server.narInfoRequests()).isEmpty();

    List<NarInfo> moved = Packages.channel(200, 2);
    server.publish("test", moved);
    assertGood(run(), moved);
    assertThat(server.narInfoRequests()).hasSize(2);
  }

  @Test
  void forgetsWhatNoChannelHasAnyMore() throws Exception {
    server.publish("test", INFOS);
    assertThat(run().status).isZero();
    server.publish("test", INFOS.subList(0, 40));
    assertThat(run().status).isZero();
    server.publish("test", INFOS);
    server.narInfoRequests();

    assertGood(run(), INFOS);
    assertThat(server.narInfoRequests()).hasSize(160);
  }

  @Test
  void aLinkTellsTheRevision() throws Exception {
    server.publish("test", INFOS.subList(0, 10));
    String commit = "f".repeat(40);
    server.answer(
        "/channels/test/store-paths.xz",
        (_, response) ->
            response
                .status(Status.FOUND_302)
                .header(HeaderNames.LOCATION, "/releases/test-1/store-paths.xz")
                .header(
                    HeaderNames.create("Link"),
                    "<https://example.org/a.tar.xz?rev="
                        + commit
                        + "&lastModified=1>; rel=\"immutable\"")
                .send());

    assertThat(run().popularity().revision()).contains(commit);
  }

  @Test
  void writesTheFileAsAWhole() throws Exception {
    Path file = Files.writeString(folder.resolve("out.json"), "old");
    assertThat(run("--output=" + file).status).isEqualTo(1);
    assertThat(file).hasContent("old");

    server.publish("test", INFOS);
    Result result = run("--output", file.toString());
    assertThat(result.status).as(result.err).isZero();
    assertThat(Popularity.read(Files.newInputStream(file)).packages()).isNotEmpty();
    assertThat(result.out).isEmpty();
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactlyInAnyOrder(file, folder.resolve("cache"));
    }
  }

  @Test
  void asksNoMoreAtOnceThanAServerAllows() throws Exception {
    try (ChannelServer narrow = new ChannelServer(4)) {
      narrow.publish("test", INFOS);

      Result result = run("--channel-url=" + narrow.channels(), "--cache-url=" + narrow.cache());

      assertGood(result, INFOS);
      assertThat(result.err.lines()).hasSize(3);
      assertThat(narrow.requestsOver("2.0")).isGreaterThan(190);
    }
  }

  // Failures

  @Test
  void comesBackWhenTheServerSaysSo() throws Exception {
    server.publish("test", INFOS);
    NarInfo info = INFOS.get(77);
    Handler good = ChannelServer.text(Packages.text(info));
    Handler busy =
        (_, response) ->
            response
                .status(Status.SERVICE_UNAVAILABLE_503)
                .header(HeaderNames.RETRY_AFTER, "1")
                .send();
    server.answerNarInfo(info, ChannelServer.first(2, busy, good));

    Result result = run();

    assertGood(result, INFOS);
    assertThat(result.err).contains("asks to be left alone for 1 seconds");
  }

  @Test
  void doesNotWaitForever() throws Exception {
    server.publish("test", INFOS);
    server.answerNarInfo(
        INFOS.get(77),
        (_, response) ->
            response
                .status(Status.TOO_MANY_REQUESTS_429)
                .header(HeaderNames.RETRY_AFTER, "86400")
                .send());

    assertRefused(run(), "86400 seconds");
  }

  static Stream<Handler> passingFaults() {
    return Stream.of(
        ChannelServer.status(500),
        ChannelServer.status(503),
        ChannelServer.status(429),
        (_, response) -> { // cut off
          response.header(HeaderNames.CONTENT_LENGTH, "1000");
          response.outputStream().write("StorePath: ".getBytes(StandardCharsets.UTF_8));
          throw new IllegalStateException("as the test wants it");
        },
        ChannelServer.redirect("/cache/nowhere-but-again"),
        ChannelServer.redirect("file:///etc/passwd"),
        ChannelServer.bytes(new byte[NarInfo.MOST_BYTES + 1]));
  }

  @ParameterizedTest
  @MethodSource("passingFaults")
  void triesAgain(Handler fault) throws Exception {
    server.publish("test", INFOS);
    server.answer("/cache/nowhere-but-again", ChannelServer.status(502));
    NarInfo info = INFOS.get(77);
    server.answerNarInfo(
        info, ChannelServer.first(3, fault, ChannelServer.text(Packages.text(info))));

    assertGood(run(), INFOS);
  }

  @Test
  void countsWithoutTheFewThatFailAndTriesThemNextTime() throws Exception {
    server.publish("test", INFOS);
    List<NarInfo> there = new ArrayList<>(INFOS);
    NarInfo broken = there.remove(77);
    server.answerNarInfo(broken, ChannelServer.status(503));
    NarInfo refused = there.remove(77);
    server.answerNarInfo(refused, ChannelServer.status(400));

    Result result = run();

    assertCounted(result, Main.INCOMPLETE, there);
    assertThat(result.err)
        .contains("%s cannot be had, after 4 attempts: status 503.".formatted(uri(broken)))
        .contains("%s answers status 400.".formatted(uri(refused)))
        .contains("198 fetched, 0 known before, 0 missing, 0 invalid, 2 failed")
        .endsWith("incomplete: 2 of 200 paths could not be fetched. Run it again to fetch them.\n");
    server.narInfoRequests();
    List.of(broken, refused)
        .forEach(info -> server.answerNarInfo(info, ChannelServer.text(Packages.text(info))));
    assertGood(run(), INFOS);
    assertThat(server.narInfoRequests()).hasSize(2);
  }

  @Test
  void namesSomeOfManyThatFail() throws Exception {
    List<NarInfo> infos = Packages.channel(3000, 0);
    server.publish("test", infos);
    infos.subList(0, 30).forEach(info -> server.answerNarInfo(info, ChannelServer.status(500)));

    Result result = run();

    assertCounted(result, Main.INCOMPLETE, infos.subList(30, 3000));
    assertThat(result.err.lines().filter(line -> line.contains("after 4 attempts"))).hasSize(10);
    assertThat(result.err).contains("20 more", "30 of 3000 paths");
  }

  @Test
  void stopsWhenTooManyFail() throws Exception {
    List<NarInfo> infos = Packages.channel(3000, 0);
    server.publish("test", infos);
    infos.forEach(info -> server.answerNarInfo(info, ChannelServer.status(503)));

    assertRefused(run(), "31 of 3000", "status 503", "try again later", "what was fetched is kept");
    assertThat(server.narInfoRequests()).hasSizeLessThan(4 * (31 + 2 * 32));
  }

  @Test
  void stopsWhenTheCacheIsGone() throws Exception {
    server.publish("test", INFOS);
    server.answer(
        "/cache/nix-cache-info",
        ChannelServer.first(
            1, ChannelServer.text("StoreDir: /nix/store\n"), ChannelServer.status(503)));
    server.answerNarInfo(INFOS.get(77), ChannelServer.status(503));

    assertRefused(run(), "nix-cache-info", "4 attempts", "status 503");
  }

  private String uri(NarInfo info) {
    return server.cache() + "/" + info.path().hash() + ".narinfo";
  }

  @Test
  void aServerThatIsNotThere() throws Exception {
    assertRefused(run("--cache-url=http://127.0.0.1:9"), "no channel 'test'");
    server.publish("test", INFOS);
    assertRefused(run("--cache-url=http://127.0.0.1:9", "--parallel=2"), "4 attempts");
  }

  @Test
  void countsAndTellsWhatIsMissing() throws Exception {
    server.publish("test", INFOS);
    List<NarInfo> there = new ArrayList<>(INFOS);
    for (int i = 3; i > 0; i--) {
      server.answerNarInfo(there.remove(77), ChannelServer.status(i == 1 ? 403 : 404));
    }
    NarInfo garbage = there.remove(77);
    server.answerNarInfo(garbage, ChannelServer.text("<html>not now</html>\n"));
    NarInfo other = there.remove(77);
    server.answerNarInfo(other, ChannelServer.text(Packages.text(garbage)));

    Result result = run();

    assertGood(result, there);
    assertThat(result.err).contains("3 missing, 2 invalid", "no usable narinfo of 5 paths");
    server.narInfoRequests();
    server.answerNarInfo(garbage, ChannelServer.text(Packages.text(garbage)));
    there.add(garbage);
    assertGood(run(), there);
    assertThat(server.narInfoRequests()).hasSize(5);
  }

  @Test
  void refusesABinaryCacheOfSomethingElse() throws Exception {
    server.publish("test", INFOS);
    assertRefused(run("--cache-url=" + server.origin()), "no binary cache");
    assertThat(server.narInfoRequests()).isEmpty();

    server.answer("/cache/nix-cache-info", ChannelServer.text("StoreDir: /gnu/store\n"));
    assertRefused(run(), "/nix/store");

    server.answer("/cache/nix-cache-info", ChannelServer.text("StoreDir: /nix/store\n"));
    INFOS.subList(0, 120).forEach(info -> server.answerNarInfo(info, ChannelServer.status(404)));
    assertRefused(run(), "most of the paths");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/nix/store/x\n",
        "/nix/store/../../etc/passwd\n",
        "https://example.org/\n",
        "\n",
        "/nix/store/00000000000000000000000000000000-a",
        ""
      })
  void refusesOtherLists(String list) throws Exception {
    server.publishList("test", list);

    assertRefused(run());
  }

  @Test
  void refusesListsWithoutMeasure() throws Exception {
    server.publishList("test", "/nix/store/".repeat(100_000));
    assertRefused(run(), "Line 1");

    server.answer("/releases/test-1/store-paths.xz", ChannelServer.text("no xz"));
    assertRefused(run(), "cannot be unpacked");

    server.answer("/releases/test-1/git-revision", ChannelServer.text("unknown"));
    assertRefused(run(), "git-revision");
  }

  // Arguments

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "--channel=a --store",
        "--channel",
        "--channel=../a",
        "--channel=a --channel=b",
        "--store=yes",
        "--stoer",
        "--store --parallel=0",
        "--store --parallel=257",
        "--store --cache=",
        "--store --cache-url=ftp://x",
        "--store --channel-url=https://me:secret@x"
      })
  void refusesArguments(String arguments) throws Exception {
    Result result = run(arguments.isEmpty() ? List.of() : List.of(arguments.split(" ")));

    assertThat(result.status).isEqualTo(2);
    assertThat(result.err).startsWith("popcount: ").endsWith(".\n").doesNotContain("secret");
    assertThat(result.err.lines()).hasSize(1);
  }

  @Test
  void printsHelpAndVersion() throws Exception {
    assertThat(run(List.of("--help")).out).contains("--channel", "--store", "3 if");
    assertThat(run(List.of("--version")).status).isZero();
  }

  @Test
  void theBarFitsIntoATerminal() {
    assertThat(Progress.bar(0, 1_000_000, 0)).startsWith("[------------------------] 0 of");
    assertThat(Progress.bar(999_999, 1_000_000, 1)).hasSizeLessThan(80);
    assertThat(Progress.bar(10, 10, 1)).startsWith("[########################] 10 of 10 narinfos");
  }
}

package nixery.server.progress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import nixery.server.metrics.Metrics;
import nixery.server.metrics.Phase;
import org.junit.jupiter.api.Test;

final class BuildsTests {

  private static final Duration LONG = Duration.ofMinutes(1);

  private final Builds builds = new Builds(true, new Redaction(List.of("hunter2")));

  private String run(String image) {
    return builds.run(image, "latest", Build::id);
  }

  private Failure fail(String image, FailureCode code, String message) {
    Failure failure = new Failure(code, message);
    assertThatThrownBy(() ->
            builds.run(
                image,
                "latest",
                _ -> {
                  throw failure;
                }))
        .isSameAs(failure);
    return failure;
  }

  private static Snapshot snapshot(Optional<Build> build) {
    return build.orElseThrow().snapshot();
  }

  @Test
  void aBuildIsSeenWhileItRunsAndAfterwards() {
    Metrics metrics = new Metrics("test");
    String id =
        builds.run(
            "shell/git",
            "v1",
            build -> {
              assertThat(builds.running()).containsExactly(build);
              assertThat(build.snapshot().step()).isEqualTo(Step.WAIT);
              Metrics.telling(
                  build,
                  () ->
                      metrics.time(
                          Phase.EVALUATE,
                          () -> {
                            assertThat(build.snapshot().step()).isEqualTo(Step.EVALUATE);
                            return "";
                          }));
              build.evaluated(6);
              build.derivations(1, 3);
              build.substitutions(2, 4);
              build.line("compiling with hunter2");
              build.packing(4);
              build.packed(1000);
              build.packed(200);
              build.reused();
              Snapshot now = build.snapshot();
              assertThat(now.step()).isEqualTo(Step.PACK);
              assertThat(now.counts()).isEqualTo(new Counts(6, 1, 3, 2, 4, 4, 2, 1, 1200));
              assertThat(now.fraction()).isBetween(0.64, 0.98);
              assertThat(now.outcome()).isEqualTo(new Outcome.Running());
              return build.id();
            });
    Snapshot after = snapshot(builds.find(id));
    assertThat(after.outcome()).isEqualTo(new Outcome.Done());
    assertThat(after.fraction()).isEqualTo(1);
    assertThat(after.times()).containsOnlyKeys(Step.WAIT, Step.EVALUATE, Step.PACK);
    assertThat(after.image()).isEqualTo("shell/git");
    assertThat(after.tag()).isEqualTo("v1");
    assertThat(builds.running()).isEmpty();
    assertThat(builds.ended()).hasSize(1);
    assertThat(builds.failed()).isEmpty();
    assertThat(builds.find(id).orElseThrow().log(0, 10).lines())
        .containsExactly("compiling with [hidden]");
    assertThat(snapshot(builds.newest("shell/git", "v1")).id()).isEqualTo(id);
    assertThat(builds.newest("shell/git", "v2")).isEmpty();
  }

  @Test
  void aFailureIsToldWithoutSecrets() {
    fail("git", FailureCode.BUILD_FAILED, "curl -u hunter2 failed");
    assertThat(builds.failed().getFirst().snapshot().outcome())
        .isEqualTo(new Outcome.Failed(FailureCode.BUILD_FAILED, "curl -u [hidden] failed"));
  }

  @Test
  void aDefectIsNotToldToAnybody() {
    fail("git", FailureCode.INTERNAL, "/secret/path");
    assertThatThrownBy(() ->
            builds.run(
                "jq",
                "latest",
                _ -> {
                  throw new IllegalStateException("/secret/path");
                }))
        .isInstanceOf(IllegalStateException.class);
    assertThat(builds.failed())
        .hasSize(2)
        .allSatisfy(build ->
            assertThat(build.snapshot().outcome().toString())
                .contains("INTERNAL")
                .doesNotContain("secret"));
  }

  @Test
  void withoutLogsNoLineIsKept() {
    Builds silent = new Builds(false, new Redaction(List.of()));
    silent.run(
        "git",
        "latest",
        build -> {
          build.line("a line");
          return "";
        });
    assertThat(silent.ended().getFirst().log(0, 10).lines()).isEmpty();
  }

  @Test
  void oldBuildsAreForgottenAndFailuresLast() {
    fail("broken", FailureCode.PACKAGE_UNKNOWN, "no");
    List<String> ids = IntStream.range(0, Builds.MAX_ENDED + 50).mapToObj(i -> run("git")).toList();
    assertThat(ids).doesNotHaveDuplicates();
    assertThat(builds.ended()).hasSize(Builds.MAX_ENDED);
    assertThat(builds.find(ids.getFirst())).isEmpty();
    assertThat(builds.find(ids.getLast())).isPresent();
    assertThat(builds.failed()).hasSize(1);
    assertThat(builds.find(builds.failed().getFirst().id())).isPresent();
  }

  @Test
  void theLogsOfManyBuildsTakeBoundedMemory() {
    String line = "x".repeat(900);
    for (int i = 0; i < 60; i++) {
      builds.run(
          "git",
          "latest",
          build -> {
            for (int j = 0; j < BuildLog.MAX_LINES; j++) {
              build.line(line);
            }
            return "";
          });
    }
    assertThat(builds.ended().stream().mapToLong(Build::logCharacters).sum())
        .isBetween(Builds.MAX_ENDED_LOGS / 2, Builds.MAX_ENDED_LOGS);
    assertThat(builds.ended().getFirst().log(0, 10).lines()).isNotEmpty();
  }

  @Test
  void whoeverWaitsHearsOfTheNextChange() throws InterruptedException {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    Thread thread =
        Thread.ofVirtual()
            .start(() ->
                builds.run(
                    "git",
                    "latest",
                    build -> {
                      begun.countDown();
                      try {
                        goOn.await();
                      } catch (InterruptedException e) {
                        throw new AssertionError(e);
                      }
                      build.line("a line");
                      return "";
                    }));
    begun.await();
    Build build = builds.running().getFirst();
    long seen = build.snapshot().version();
    assertThat(build.await(seen, Duration.ofMillis(1))).isFalse();
    goOn.countDown();
    List<String> lines = new ArrayList<>();
    while (!build.snapshot().outcome().isFinal()) {
      build.await(seen, LONG);
      seen = build.snapshot().version();
    }
    lines.addAll(build.log(0, 10).lines());
    thread.join();
    assertThat(lines).containsExactly("a line");
  }
}

package nixery.server.nix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import nixery.server.nix.Resolved.Found;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

@ParameterizedClass
@MethodSource("nixery.server.nix.TestNix#versions")
@Timeout(value = 5, unit = TimeUnit.MINUTES)
record NixRealiseTests(TestNix.Version version) {

  @TempDir private static Path folder;
  private static TestNix test;
  private static Nix nix;

  @BeforeParameterizedClassInvocation
  static void open(TestNix.Version version) throws IOException {
    test = TestNix.of(version);
    nix = test.open();
  }

  @AfterParameterizedClassInvocation
  static void close() throws IOException {
    test.close();
  }

  private static Collection<Found> found(String set, String... names) throws Exception {
    Path file = Files.writeString(folder.resolve("set.nix"), TestNix.PRELUDE + set);
    return nix
        .resolve(file, TestNix.SYSTEM, new TreeSet<>(List.of(names)))
        .packages()
        .values()
        .stream()
        .map(resolved -> (Found) resolved)
        .toList();
  }

  private static List<String> paths(Collection<Found> packages) {
    return packages.stream().flatMap(found -> found.outputs().stream()).map(Output::path).toList();
  }

  @Test
  void buildsTheOutputsThatAreWanted() throws Exception {
    Collection<Found> packages =
        found(
            """
            { ... }: rec {
              a = ok "a";
              b = sh "b" { outputs = [ "bin" "out" "dev" ]; inherit a; }
                "echo building; echo $a > $out; echo $out > $bin; echo dev > $dev";
              c = b // { meta.outputsToInstall = [ "out" "dev" ]; };
            }
            """,
            "a",
            "b",
            "c");
    var lines = new ArrayList<String>();

    try (GcRoots roots = nix.realise(packages, lines::add)) {
      assertThat(paths(packages)).hasSize(4).allMatch(test::has);
      assertThat(lines).contains("building").anyMatch(line -> line.contains("-b.drv"));
      assertThat(roots.folder()).isNotEmptyDirectory();
    }
    var again = new ArrayList<String>();
    nix.realise(packages, again::add).close();
    assertThat(again).isEmpty();
  }

  @Test
  void rootsProtectUntilTheyAreClosed() throws Exception {
    Collection<Found> packages =
        found(
            """
            { ... }: {
              rooted = sh "rooted" { outputs = [ "out" "bin" ]; dependency = ok "dependency"; }
                "echo $dependency > $out; echo bin > $bin"
                // { meta.outputsToInstall = [ "out" "bin" ]; };
            }
            """,
            "rooted");
    String dependency;

    GcRoots roots = nix.realise(packages, line -> {});
    test.collectGarbage();
    assertThat(paths(packages)).hasSize(2).allMatch(test::has);
    dependency = Files.readString(Path.of(test.store + paths(packages).getFirst())).strip();
    assertThat(test.has(dependency)).isTrue();

    roots.close();
    assertThat(roots.folder()).doesNotExist();
    test.collectGarbage();
    assertThat(paths(packages)).noneMatch(test::has);
    assertThat(test.has(dependency)).isFalse();
  }

  @Test
  void saysWhichBuildFailedAndHowItsLogEnds() throws Exception {
    Collection<Found> packages =
        found(
            """
            { ... }: {
              top = sh "top" {
                broken = sh "broken" { } ''
                  for i in 1 2 3 4 5 6 7 8 9; do echo "line $i of many"; done
                  printf 'error: \\033[31mred\\033[0m\\n' >&2; exit 3
                '';
                fine = ok "fine";
              } "echo x > $out";
            }
            """,
            "top");

    assertThatThrownBy(() -> nix.realise(packages, line -> {}))
        .isInstanceOf(Failure.class)
        .hasMessageContaining("'broken.drv'")
        .hasMessageContaining("exit code 3")
        .hasMessageContaining("\n> line 9 of many\n> error: red")
        .hasMessageNotContaining("/nix/store")
        .extracting(e -> ((Failure) e).code())
        .isEqualTo(FailureCode.BUILD_FAILED);
  }

  @Test
  void boundsTheMessageOfAFailure() throws Exception {
    Collection<Found> packages =
        found(
            """
            { ... }: {
              verbose = sh "verbose" { } "yes 'a long line of text' | tr -d '\\\\n' | head -c 300000; exit 1";
            }
            """,
            "verbose");

    assertThatThrownBy(() -> nix.realise(packages, line -> {}))
        .isInstanceOf(Failure.class)
        .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(4097).contains("a long line"));
  }

  @Test
  void refusesADerivationThatCannotBeBuiltHere() throws Exception {
    Collection<Found> packages =
        found("{ ... }: { x = sh \"x\" { system = \"mips-plan9\"; } \"\"; }", "x");

    assertThatThrownBy(() -> nix.realise(packages, line -> {}))
        .isInstanceOf(Failure.class)
        .hasMessageContaining("mips-plan9")
        .extracting(e -> ((Failure) e).code())
        .isEqualTo(FailureCode.BUILD_FAILED);
  }

  @Test
  void noticesOutputsThatAreNotTheDerivations() throws Exception {
    Collection<Found> packages =
        found("{ ... }: { x = ok \"x\" // { inherit (ok \"y\") outPath; }; }", "x");

    assertThatThrownBy(() -> nix.realise(packages, line -> {}))
        .isInstanceOf(Failure.class)
        .hasMessageContaining("announces other outputs than Nix builds: y")
        .extracting(e -> ((Failure) e).code())
        .isEqualTo(FailureCode.BUILD_FAILED);
  }

  @Test
  void streamsALongLog() throws Exception {
    Collection<Found> packages =
        found(
            """
            { ... }: let tail = builtins.concatStringsSep "," (builtins.genList toString 100); in {
              talkative = sh "talkative" { } ''
                yes 'this line is repeated until there are ten megabytes of it${tail}' | head -n 30000
                echo done > $out
              '';
            }
            """,
            "talkative");
    var count = new long[1];

    nix.realise(
            packages,
            line -> {
              if (line.startsWith("this line is repeated")) {
                count[0]++;
              }
            })
        .close();

    assertThat(count[0]).isEqualTo(30000);
  }

  @Test
  void cutsALongLine() throws Exception {
    Collection<Found> packages =
        found(
            """
            { ... }: {
              lengthy = sh "lengthy" { } ''
                printf '\\377\\376"\\\\\\t'; head -c 5000000 /dev/zero | tr '\\0' '\\001'; echo
                head -c 5000000 /dev/zero | tr '\\0' x; echo
                echo the end; echo > $out
              '';
            }
            """,
            "lengthy");
    var lines = new ArrayList<String>();

    nix.realise(packages, lines::add).close();

    assertThat(lines)
        .allMatch(line -> line.length() <= NixLog.MAX_LINE)
        .contains("x".repeat(NixLog.MAX_LINE), "the end")
        .anyMatch(line -> line.startsWith("\ufffd\ufffd\"\\"));
  }

  @Test
  void endsABuildThatDoesNotEnd() throws Exception {
    Collection<Found> packages =
        found("{ ... }: { slow = sh \"slow\" { } \"echo begun; sleep 1000\"; }", "slow");
    Nix impatient = test.open(Duration.ofMinutes(1), Duration.ofSeconds(2));

    assertThatThrownBy(() -> impatient.realise(packages, line -> {}))
        .isInstanceOf(Failure.class)
        .hasMessageContaining("slow.drv took longer than 2 seconds")
        .hasMessageContaining("> begun")
        .extracting(e -> ((Failure) e).code())
        .isEqualTo(FailureCode.BUILD_TIMED_OUT);
    assertThat(Processes.started()).isEmpty();
  }

  @Test
  void leavesNoProcessWhenInterrupted() throws Exception {
    Collection<Found> packages =
        found(
            """
            { ... }: {
              forking = sh "forking" { } ''
                trap "" TERM
                sleep 1000 & ( trap "" TERM; sleep 1001 & wait ) &
                echo started; wait; wait; wait
              '';
            }
            """,
            "forking");
    var started = new CountDownLatch(1);
    var outcome = new CompletableFuture<Throwable>();
    Thread thread =
        Thread.ofVirtual()
            .start(() -> {
              try {
                nix.realise(
                        packages,
                        line -> {
                          if (line.equals("started")) {
                            started.countDown();
                          }
                        })
                    .close();
              } catch (InterruptedException | RuntimeException e) {
                outcome.complete(e);
              }
            });
    assertThat(started.await(1, TimeUnit.MINUTES)).isTrue();
    assertThat(Processes.started()).hasSizeGreaterThanOrEqualTo(4);

    thread.interrupt();

    assertThat(outcome.get(1, TimeUnit.MINUTES)).isInstanceOf(InterruptedException.class);
    assertThat(Processes.started()).isEmpty();
    try (var left = Files.list(test.store.resolve("test-roots"))) {
      // The scratch folders and their locks, no roots.
      assertThat(left.filter(Files::isDirectory)).allMatch(this::isEmpty);
    }
  }

  private boolean isEmpty(Path scratch) {
    try (var files = Files.list(scratch)) {
      return files.findAny().isEmpty();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void passesOnWhatTheListenerThrows() throws Exception {
    Collection<Found> packages =
        found("{ ... }: { heard = sh \"heard\" { } \"echo begun; sleep 1000\"; }", "heard");

    assertThatThrownBy(() ->
            nix.realise(
                packages,
                line -> {
                  throw new IllegalStateException("enough");
                }))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("enough");
    assertThat(Processes.started()).isEmpty();
  }

  @Test
  void describesAClosureOfThousands() throws Exception {
    Collection<Found> packages =
        found(
            """
            { ... }:
            let
              long = "that-makes-command-lines-long-that-makes-command-lines-long-that-makes-command-lines-long";
              name = i: "leaf-with-a-name-${long}-${toString i}";
              leaves = builtins.genList (i: builtins.toFile (name i) "leaf ${toString i}") 2200;
              all = builtins.toFile "all" (builtins.concatStringsSep "\\n" leaves);
            in
            { wide = sh "wide" { inherit all; } "echo $all > $out"; }
            """,
            "wide");

    try (GcRoots roots = nix.realise(packages, line -> {})) {
      assertThat(roots.folder()).isNotEmptyDirectory();
      String dump = nix.dumpClosure(paths(packages));

      Map<String, List<String>> references = references(dump);
      assertThat(references).hasSize(2202).containsKeys(paths(packages).getFirst());
      assertThat(references.values()).anyMatch(list -> list.size() == 2200);
      assertThat(references.keySet())
          .containsAll(references.values().stream().flatMap(List::stream).toList());
    }
  }

  /** Reads a dump, in which each path has its hash, size, deriver and references. */
  private static Map<String, List<String>> references(String dump) {
    var references = new HashMap<String, List<String>>();
    var lines = dump.lines().iterator();
    while (lines.hasNext()) {
      String path = lines.next();
      assertThat(lines.next()).matches("[0-9a-f]{64}");
      assertThat(lines.next()).matches("[1-9][0-9]*");
      assertThat(lines.next()).matches("(/nix/store/.*\\.drv)?");
      var list = new ArrayList<String>();
      for (int left = Integer.parseInt(lines.next()); left > 0; left--) {
        list.add(lines.next());
      }
      references.put(path, list);
    }
    return references;
  }

  @Test
  void cannotDescribeWhatIsNotThere() {
    assertThatThrownBy(
            () -> nix.dumpClosure(List.of("/nix/store/00000000000000000000000000000000-gone")))
        .isInstanceOf(Failure.class)
        .hasMessageContaining("gone")
        .extracting(e -> ((Failure) e).code())
        .isEqualTo(FailureCode.NIX_UNAVAILABLE);
  }

  @Test
  void describesNothing() throws Exception {
    assertThat(nix.dumpClosure(List.of())).isEmpty();
    nix.realise(List.of(), line -> {}).close();
  }
}

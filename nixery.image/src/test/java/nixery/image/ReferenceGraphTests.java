package nixery.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import nixery.property.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ReferenceGraphTests {

  private static final String A = "/nix/store/" + "a".repeat(32) + "-a";
  private static final String B = "/nix/store/" + "b".repeat(32) + "-b";
  private static final String HASH = "0".repeat(63) + "f";

  @Test
  void readsDumps() throws IOException {
    ReferenceGraph graph = parse(A, HASH, "96", B + ".drv", "2", A, B, B, HASH, "112", "", "0");

    assertThat(graph.paths()).containsExactly(StorePath.parse(A), StorePath.parse(B));
    PathInfo info = graph.info(StorePath.parse(A));
    assertThat(info.narSize()).isEqualTo(96);
    assertThat(info.references()).containsExactly(StorePath.parse(B)); // without itself
    assertThat(graph.info(StorePath.parse(B)).references()).isEmpty();
    assertThat(parse().paths()).isEmpty();
  }

  /** A closure that needs no building: a derivation, one that it needs, and a source. */
  @Test
  void readsWhatNixPrints(@TempDir Path temporary) throws Exception {
    Map<String, String> nix =
        Map.of(
            "NIX_REMOTE",
            temporary.resolve("store").toString(),
            "NIX_CONFIG",
            "build-users-group =\nsubstituters =");
    String derivation =
        Tool.run(
                temporary,
                nix,
                "nix-instantiate",
                "-E",
                """
                let make = name: input: derivation {
                  inherit name input;
                  system = "x";
                  builder = builtins.toFile "source" "text";
                };
                in make "upper-1.0" (make "lower-2.0" "")\
                """)
            .strip();
    String requisites = Tool.run(temporary, nix, "nix-store", "-q", "--requisites", derivation);
    String[] command = ("nix-store\n--dump-db\n" + requisites.strip()).split("\n", -1);
    ReferenceGraph graph =
        ReferenceGraph.parseDump(new StringReader(Tool.run(temporary, nix, command)));

    assertThat(graph.paths())
        .extracting(StorePath::name)
        .containsExactlyInAnyOrder("upper-1.0.drv", "lower-2.0.drv", "source");
    assertThat(graph.info(StorePath.parse(derivation)).references())
        .extracting(StorePath::name)
        .containsExactlyInAnyOrder("lower-2.0.drv", "source");
    assertThat(graph.paths())
        .allSatisfy(path -> assertThat(graph.info(path).narSize()).isPositive());
  }

  static List<List<String>> malformed() {
    return List.of(
        List.of("what is this"),
        List.of(""),
        List.of(A.substring("/nix/store/".length()), HASH, "1", "", "0"),
        List.of(A),
        List.of(A, HASH, "1", ""),
        List.of(A, HASH, "1", "", "1"),
        List.of(A, HASH, "1", "", "0", ""),
        List.of(A, HASH, "-1", "", "0"),
        List.of(A, HASH, "1 ", "", "0"),
        List.of(A, HASH, "99999999999999999999", "", "0"),
        List.of(A, HASH, "1", "deriver", "0"),
        List.of(A, HASH, "1", "", "-1"),
        List.of(A, HASH, "1", "", "99999999999"),
        List.of(A, HASH, "1", "", "2", A, A),
        List.of(A, HASH, "1", "", "1", A + "/bin"));
  }

  @ParameterizedTest
  @MethodSource
  void malformed(List<String> lines) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> parse(lines.toArray(String[]::new)))
        .withMessageMatching("line \\d of the dump: .+");
  }

  @Test
  void closuresAreClosed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> parse(A, HASH, "1", "", "1", B))
        .withMessage(A + " refers to " + B + ", which is not in the closure");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> parse(A, HASH, "1", "", "0", A, HASH, "1", "", "0"))
        .withMessage(A + " is there twice");
  }

  @Test
  void readsAnyDump() {
    Property.holds(100, samples -> assertRead(samples.random(), samples.between(1, 30)));
  }

  private static void assertRead(Random random, int size) throws IOException {
    List<PathInfo> infos = Graphs.random(random, size, 24L << 20);
    Collections.shuffle(infos, random);
    StringBuilder dump = new StringBuilder();
    for (PathInfo info : infos) {
      dump.append(info.path()).append('\n').append(HASH).append('\n');
      dump.append(info.narSize()).append("\n\n").append(info.references().size()).append('\n');
      info.references().forEach(reference -> dump.append(reference).append('\n'));
    }
    ReferenceGraph parsed = ReferenceGraph.parseDump(new StringReader(dump.toString()));
    ReferenceGraph graph = ReferenceGraph.of(infos);

    assertThat(parsed.paths()).isEqualTo(graph.paths());
    assertThat(parsed.paths())
        .allSatisfy(path -> assertThat(parsed.info(path)).isEqualTo(graph.info(path)));
  }

  private static ReferenceGraph parse(String... lines) throws IOException {
    return ReferenceGraph.parseDump(
        new StringReader(lines.length == 0 ? "" : String.join("\n", lines) + "\n"));
  }
}

package nixery.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SortedSet;
import java.util.TreeSet;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

class LayeringStrategyTests {

  @Provide
  Arbitrary<LayeringStrategy> strategies() {
    return Arbitraries.of(new DominatorTreeStrategy(), new PopularPathsStrategy());
  }

  @Property(tries = 300)
  void dividesTheClosureWithinTheBudget(
      @ForAll("strategies") LayeringStrategy strategy,
      @ForAll Random random,
      @ForAll @IntRange(min = 1, max = 40) int size,
      @ForAll @IntRange(min = 1, max = 20) int budget)
      throws IOException {
    List<PathInfo> infos = Graphs.random(random, size);
    Popularity popularity = popularity("{\"package1\": 5, \"package2\": 100, \"package3\": 70000}");
    SortedSet<StorePath> roots = new TreeSet<>(List.of(infos.getFirst().path()));
    ReferenceGraph graph = ReferenceGraph.of(infos);
    List<Layer> layers = strategy.plan(graph, roots, popularity, budget);

    assertThat(layers).hasSizeLessThanOrEqualTo(budget);
    List<StorePath> packed = layers.stream().flatMap(layer -> layer.paths().stream()).toList();
    assertThat(packed).doesNotHaveDuplicates().containsExactlyInAnyOrderElementsOf(graph.paths());

    List<PathInfo> shuffled = new ArrayList<>(infos);
    Collections.shuffle(shuffled, random);
    assertThat(strategy.plan(ReferenceGraph.of(shuffled), roots, popularity, budget))
        .isEqualTo(layers);
  }

  @Property(tries = 20)
  void leavesOutWhatTheRootsDoNotReach(@ForAll("strategies") LayeringStrategy strategy) {
    ReferenceGraph graph =
        ReferenceGraph.of(
            List.of(
                Graphs.info(0, 1, List.of(1)),
                Graphs.info(1, 1, List.of()),
                Graphs.info(2, 1, List.of(1))));
    assertThat(strategy.plan(graph, paths(0), Popularity.none(), 94))
        .allSatisfy(layer -> assertThat(layer.paths()).doesNotContain(Graphs.path(2)));
  }

  @Property(tries = 20)
  void refusesWhatCannotBe(@ForAll("strategies") LayeringStrategy strategy) {
    ReferenceGraph graph = ReferenceGraph.of(List.of(Graphs.info(0, 1, List.of())));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> strategy.plan(graph, paths(0), Popularity.none(), 0));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> strategy.plan(graph, paths(1), Popularity.none(), 9));
    assertThat(strategy.plan(graph, paths(), Popularity.none(), 9)).isEmpty();
  }

  @Example
  void keepsTogetherWhatOneRootBringsIn() {
    // 0 and 1 were asked for; 2 is only there for 0, 3 for both, 4 for 3.
    ReferenceGraph graph =
        ReferenceGraph.of(
            List.of(
                Graphs.info(0, 10, List.of(2, 3)),
                Graphs.info(1, 1000, List.of(3)),
                Graphs.info(2, 10, List.of()),
                Graphs.info(3, 100, List.of(4)),
                Graphs.info(4, 100, List.of())));

    assertThat(new DominatorTreeStrategy().plan(graph, paths(0, 1), Popularity.none(), 94))
        .containsExactly(layer(1), layer(3, 4), layer(0, 2));
    assertThat(new DominatorTreeStrategy().plan(graph, paths(0, 1), Popularity.none(), 2))
        .containsExactly(layer(1), layer(0, 2, 3, 4));
  }

  @Example
  void takesBigAndPopularPathsOut() throws IOException {
    ReferenceGraph graph =
        ReferenceGraph.of(
            List.of(
                Graphs.info(0, 10, List.of(1)),
                Graphs.info(1, 16 << 20, List.of(2)),
                Graphs.info(2, 10, List.of(3)),
                Graphs.info(3, 10, List.of())));

    assertThat(new DominatorTreeStrategy().plan(graph, paths(0), Popularity.none(), 94))
        .containsExactly(layer(1, 2, 3), layer(0));
    assertThat(
            new DominatorTreeStrategy()
                .plan(graph, paths(0), popularity("{\"package3\": 100}"), 94))
        .containsExactly(layer(1, 2), layer(3), layer(0));
  }

  @Example
  void plansLongChains() {
    int size = 100_000;
    List<PathInfo> chain = new ArrayList<>();
    for (int node = 0; node < size; node++) {
      chain.add(Graphs.info(node, 1, node + 1 < size ? List.of(node + 1) : List.of()));
    }
    assertThat(
            new DominatorTreeStrategy()
                .plan(ReferenceGraph.of(chain), paths(0), Popularity.none(), 94))
        .hasSize(1);
  }

  @Example
  void mergesManyGroups() {
    List<PathInfo> infos = new ArrayList<>();
    SortedSet<StorePath> roots = new TreeSet<>();
    for (int node = 0; node < 10_000; node++) {
      infos.add(Graphs.info(node, node, List.of()));
      roots.add(Graphs.path(node));
    }
    assertThat(
            new DominatorTreeStrategy()
                .plan(ReferenceGraph.of(infos), roots, Popularity.none(), 94))
        .hasSize(94);
  }

  @Example
  void doesNotOverflow() throws IOException {
    ReferenceGraph graph =
        ReferenceGraph.of(
            List.of(
                Graphs.info(0, Long.MAX_VALUE, List.of(1)),
                Graphs.info(1, Long.MAX_VALUE, List.of()),
                Graphs.info(2, 1, List.of())));
    assertThat(
            new DominatorTreeStrategy()
                .plan(graph, paths(0, 2), popularity("{\"package1\": 2147483647}"), 2))
        .containsExactly(layer(1), layer(0, 2));
  }

  @Example
  void idsOfLayersCoverTheirPaths() {
    assertThat(layer(0, 1).id("tar"))
        .isEqualTo(layer(1, 0).id("tar"))
        .isNotEqualTo(layer(0).id("tar"));
    assertThatIllegalArgumentException().isThrownBy(LayeringStrategyTests::layer);
  }

  private static Popularity popularity(String json) throws IOException {
    return Popularity.read(new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8)));
  }

  private static SortedSet<StorePath> paths(Integer... numbers) {
    SortedSet<StorePath> paths = new TreeSet<>();
    for (int number : numbers) {
      paths.add(Graphs.path(number));
    }
    return paths;
  }

  private static Layer layer(Integer... numbers) {
    return new Layer(paths(numbers));
  }
}

package nixery.image;

import static nixery.image.LayeringStrategy.SMALL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import nixery.property.Property;
import nixery.property.Samples;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LayeringStrategyTests {

  private static final int MIB = 1 << 20;

  // What every strategy must keep to.

  @ParameterizedTest
  @EnumSource
  void dividesTheClosureWithinTheBudget(Layering layering) {
    Property.holds(
        500 / Layering.values().length, samples -> assertDivides(layering.strategy(), samples));
  }

  private static void assertDivides(LayeringStrategy strategy, Samples samples) throws IOException {
    int budget = samples.between(1, 125);
    List<PathInfo> infos =
        Graphs.random(
            samples.random(), samples.between(1, 150), samples.between(0, Long.MAX_VALUE));
    Popularity popularity =
        samples.flag()
            ? Popularity.none()
            : popularity("{\"package1\": 5, \"package2\": 100, \"package3\": 2147483647}");
    SortedSet<StorePath> roots = new TreeSet<>(List.of(infos.getFirst().path()));
    ReferenceGraph graph = ReferenceGraph.of(infos);
    List<Layer> layers = strategy.plan(graph, roots, popularity, budget);

    assertThat(layers).hasSizeLessThanOrEqualTo(budget);
    List<StorePath> packed = layers.stream().flatMap(layer -> layer.paths().stream()).toList();
    assertThat(packed).doesNotHaveDuplicates().containsExactlyInAnyOrderElementsOf(graph.paths());
    if (layers.size() > 1) {
      assertThat(layers)
          .allSatisfy(layer -> assertThat(size(graph, layer)).isGreaterThanOrEqualTo(SMALL));
    }

    List<PathInfo> shuffled = new ArrayList<>(infos);
    Collections.shuffle(shuffled, samples.random());
    assertThat(strategy.plan(ReferenceGraph.of(shuffled), roots, popularity, budget))
        .isEqualTo(layers);
  }

  /** The result of a strategy depends on the closure, and on nothing else in the graph. */
  @ParameterizedTest
  @EnumSource
  void leavesOutWhatTheRootsDoNotReach(Layering layering) {
    LayeringStrategy strategy = layering.strategy();
    List<PathInfo> closure =
        List.of(Graphs.info(0, 9 * MIB, List.of(1)), Graphs.info(1, 8 * MIB, List.of()));
    List<PathInfo> more = new ArrayList<>(closure);
    more.add(Graphs.info(2, 64 * MIB, List.of(1)));
    assertThat(strategy.plan(ReferenceGraph.of(more), paths(0), Popularity.none(), 94))
        .isEqualTo(strategy.plan(ReferenceGraph.of(closure), paths(0), Popularity.none(), 94));
  }

  @ParameterizedTest
  @EnumSource
  void refusesWhatCannotBe(Layering layering) {
    LayeringStrategy strategy = layering.strategy();
    ReferenceGraph graph = ReferenceGraph.of(List.of(Graphs.info(0, 1, List.of())));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> strategy.plan(graph, paths(0), Popularity.none(), 0));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> strategy.plan(graph, paths(1), Popularity.none(), 9));
    assertThat(strategy.plan(graph, paths(), Popularity.none(), 9)).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void plansCycles(Layering layering) {
    ReferenceGraph graph =
        ReferenceGraph.of(
            List.of(
                Graphs.info(0, MIB, List.of(0, 1)),
                Graphs.info(1, MIB, List.of(2)),
                Graphs.info(2, MIB, List.of(1, 0))));
    assertThat(layering.strategy().plan(graph, paths(0), Popularity.none(), 2))
        .flatExtracting(Layer::paths)
        .containsExactlyInAnyOrderElementsOf(graph.paths());
  }

  @ParameterizedTest
  @EnumSource
  void plansLongChains(Layering layering) {
    int size = 20_000;
    List<PathInfo> chain = new ArrayList<>();
    for (int node = 0; node < size; node++) {
      chain.add(Graphs.info(node, MIB, node + 1 < size ? List.of(node + 1) : List.of()));
    }
    assertThat(layering.strategy().plan(ReferenceGraph.of(chain), paths(0), Popularity.none(), 94))
        .hasSizeBetween(1, 94);
  }

  @ParameterizedTest
  @EnumSource
  void dividesManyRoots(Layering layering) {
    List<PathInfo> infos = new ArrayList<>();
    SortedSet<StorePath> roots = new TreeSet<>();
    for (int node = 0; node < 10_000; node++) {
      infos.add(Graphs.info(node, MIB + node, List.of()));
      roots.add(Graphs.path(node));
    }
    assertThat(layering.strategy().plan(ReferenceGraph.of(infos), roots, Popularity.none(), 94))
        .hasSizeBetween(80, 94);
  }

  @Test
  void bigPathsAreTheSameLayersInEveryImage() {
    // 0 and 1 both need 2, which needs 3; 4 and 5 are small and only there for 1.
    ReferenceGraph graph =
        ReferenceGraph.of(
            List.of(
                Graphs.info(0, 2 * MIB, List.of(2)),
                Graphs.info(1, 3 * MIB, List.of(2, 4, 5)),
                Graphs.info(2, 4 * MIB, List.of(3)),
                Graphs.info(3, 9 * MIB, List.of()),
                Graphs.info(4, 200_000, List.of()),
                Graphs.info(5, 200_000, List.of())));
    LayeringStrategy strategy = new BigPathsStrategy();

    assertThat(strategy.plan(graph, paths(0), Popularity.none(), 94))
        .containsExactly(layer(3), layer(2), layer(0));
    assertThat(strategy.plan(graph, paths(1), Popularity.none(), 94))
        .containsExactly(layer(3), layer(2), layer(1), layer(4, 5));
    assertThat(strategy.plan(graph, paths(0, 1), Popularity.none(), 3))
        .containsExactly(layer(3), layer(2), layer(0, 1, 4, 5));
  }

  @Test
  void popularPathsComeFirst() throws IOException {
    ReferenceGraph graph =
        ReferenceGraph.of(
            List.of(
                Graphs.info(0, 9 * MIB, List.of(1, 2)),
                Graphs.info(1, 8 * MIB, List.of()),
                Graphs.info(2, MIB, List.of())));
    assertThat(
            new BigPathsStrategy()
                .plan(graph, paths(0), popularity("{\"package2\": 50, \"package0\": 2}"), 94))
        .containsExactly(layer(2), layer(0), layer(1));
  }

  @Test
  void autoLayerGroupsByTheBiggestPathsThatLeadToAPath() {
    // 1 and 2 are the biggest; 3 is there for both of them, 4 for 2 alone, 0 for neither.
    ReferenceGraph graph =
        ReferenceGraph.of(
            List.of(
                Graphs.info(0, MIB, List.of(1, 2)),
                Graphs.info(1, 20 * MIB, List.of(3)),
                Graphs.info(2, 30 * MIB, List.of(3, 4)),
                Graphs.info(3, 5 * MIB, List.of()),
                Graphs.info(4, 4 * MIB, List.of())));
    LayeringStrategy strategy = new AutoLayerStrategy();

    assertThat(strategy.plan(graph, paths(0), Popularity.none(), 4))
        .containsExactly(layer(3), layer(1), layer(2, 4), layer(0));
    assertThat(strategy.plan(graph, paths(0), Popularity.none(), 2))
        .containsExactly(layer(2, 3, 4), layer(0, 1));
  }

  @Test
  void keepsTogetherWhatOneRootBringsIn() {
    // 0 and 1 were asked for; 2 is only there for 0, 3 for both, 4 for 3.
    ReferenceGraph graph =
        ReferenceGraph.of(
            List.of(
                Graphs.info(0, MIB, List.of(2, 3)),
                Graphs.info(1, 15 * MIB, List.of(3)),
                Graphs.info(2, MIB, List.of()),
                Graphs.info(3, 6 * MIB, List.of(4)),
                Graphs.info(4, 6 * MIB, List.of())));

    assertThat(new DominatorTreeStrategy().plan(graph, paths(0, 1), Popularity.none(), 94))
        .containsExactly(layer(1), layer(3, 4), layer(0, 2));
    assertThat(new DominatorTreeStrategy().plan(graph, paths(0, 1), Popularity.none(), 2))
        .containsExactly(layer(1), layer(0, 2, 3, 4));
  }

  @Test
  void takesBigAndPopularPathsOut() throws IOException {
    ReferenceGraph graph =
        ReferenceGraph.of(
            List.of(
                Graphs.info(0, 10 * MIB, List.of(1)),
                Graphs.info(1, 16 * MIB, List.of(2)),
                Graphs.info(2, 10 * MIB, List.of(3)),
                Graphs.info(3, 10 * MIB, List.of())));

    assertThat(new DominatorTreeStrategy().plan(graph, paths(0), Popularity.none(), 94))
        .containsExactly(layer(1, 2, 3), layer(0));
    assertThat(
            new DominatorTreeStrategy()
                .plan(graph, paths(0), popularity("{\"package3\": 100}"), 94))
        .containsExactly(layer(3), layer(1, 2), layer(0));
  }

  @Test
  void doesNotOverflow() throws IOException {
    ReferenceGraph graph =
        ReferenceGraph.of(
            List.of(
                Graphs.info(0, Long.MAX_VALUE, List.of(1)),
                Graphs.info(1, Long.MAX_VALUE, List.of()),
                Graphs.info(2, MIB, List.of())));
    assertThat(
            new DominatorTreeStrategy()
                .plan(graph, paths(0, 2), popularity("{\"package1\": 2147483647}"), 2))
        .containsExactly(layer(1), layer(0, 2));
  }

  @Test
  void idsOfLayersCoverTheirPaths() {
    assertThat(layer(0, 1).id("tar"))
        .isEqualTo(layer(1, 0).id("tar"))
        .isNotEqualTo(layer(0).id("tar"));
    assertThatIllegalArgumentException().isThrownBy(LayeringStrategyTests::layer);
  }

  private static long size(ReferenceGraph graph, Layer layer) {
    return layer.paths().stream()
        .mapToLong(path -> graph.info(path).narSize())
        .reduce(0, (a, b) -> a + b < 0 ? Long.MAX_VALUE : a + b);
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

package nixery.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Random;
import java.util.stream.IntStream;
import nixery.property.Property;
import org.junit.jupiter.api.Test;

class DominatorsTests {

  /** Cycles too, though a closure has none. */
  @Test
  void agreesWithTheDefinition() {
    Property.holds(300, samples -> assertAgreement(samples.random()));
  }

  private static void assertAgreement(Random random) {
    int size = 1 + random.nextInt(14);
    int[][] edges = new int[size][];
    for (int node = 0; node < size; node++) {
      edges[node] =
          IntStream.generate(() -> random.nextInt(size)).limit(random.nextInt(4)).toArray();
    }
    int[] immediate = Dominators.immediate(edges, 0);

    for (int node = 0; node < size; node++) {
      if (!reaches(edges, node, -1)) {
        assertThat(immediate[node]).isEqualTo(-1);
        continue;
      }
      for (int other = 0; other < size; other++) {
        boolean dominates = other != node && !reaches(edges, node, other);
        assertThat(isAbove(immediate, other, node))
            .as("%s over %s", other, node)
            .isEqualTo(dominates);
      }
    }
  }

  /** Whether a path from node 0 leads to a node without a certain other one. */
  private static boolean reaches(int[][] edges, int target, int without) {
    boolean[] seen = new boolean[edges.length];
    Deque<Integer> left = new ArrayDeque<>();
    if (without != 0) {
      left.push(0);
      seen[0] = true;
    }
    while (!left.isEmpty()) {
      for (int next : edges[left.pop()]) {
        if (next != without && !seen[next]) {
          seen[next] = true;
          left.push(next);
        }
      }
    }
    return seen[target];
  }

  private static boolean isAbove(int[] immediate, int upper, int lower) {
    int node = lower;
    while (node != 0) {
      node = immediate[node];
      if (node == upper) {
        return true;
      }
    }
    return false;
  }

  @Test
  void followsLongChains() {
    int size = 100_000;
    int[][] edges = new int[size][];
    for (int node = 0; node < size; node++) {
      edges[node] = node + 1 < size ? new int[] {node + 1} : new int[0];
    }
    int[] immediate = Dominators.immediate(edges, 0);
    for (int node = 1; node < size; node++) {
      assertThat(immediate[node]).isEqualTo(node - 1);
    }
  }
}

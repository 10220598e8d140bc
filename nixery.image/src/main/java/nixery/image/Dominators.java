package nixery.image;

import java.util.Arrays;

/**
 * Immediate dominators by the iterative algorithm of K. D. Cooper, T. J. Harvey and K. Kennedy, "A
 * Simple, Fast Dominance Algorithm" (2001). Without recursion, so that depth does not matter.
 */
final class Dominators {

  private static final int NONE = -1;

  private Dominators() {}

  /**
   * Computes the immediate dominator of each node.
   *
   * @param successors for each node the nodes that its edges lead to
   * @param root the node at which all paths begin
   * @return for each node its immediate dominator; the root for itself, -1 for a node that the root
   *     does not reach
   */
  static int[] immediate(int[][] successors, int root) {
    int[] order = postorder(successors, root);
    int[] number = new int[successors.length]; // the place of a node in that order
    Arrays.fill(number, NONE);
    for (int i = 0; i < order.length; i++) {
      number[order[i]] = i;
    }
    int[][] predecessors = predecessors(successors, order);
    int[] dominator = new int[successors.length];
    Arrays.fill(dominator, NONE);
    dominator[root] = root;
    boolean changed = true;
    while (changed) {
      changed = false;
      for (int i = order.length - 2; i >= 0; i--) { // the root is last in postorder
        int node = order[i];
        int common = NONE;
        for (int predecessor : predecessors[node]) {
          if (dominator[predecessor] != NONE) {
            common =
                common == NONE ? predecessor : intersect(predecessor, common, dominator, number);
          }
        }
        if (dominator[node] != common) {
          dominator[node] = common;
          changed = true;
        }
      }
    }
    return dominator;
  }

  private static int intersect(int left, int right, int[] dominator, int[] number) {
    int a = left;
    int b = right;
    while (a != b) {
      while (number[a] < number[b]) {
        a = dominator[a];
      }
      while (number[b] < number[a]) {
        b = dominator[b];
      }
    }
    return a;
  }

  /** Returns the nodes that the root reaches, each after those that it leads to first. */
  private static int[] postorder(int[][] successors, int root) {
    int[] order = new int[successors.length];
    int ordered = 0;
    int[] next = new int[successors.length]; // the edge to follow next
    boolean[] seen = new boolean[successors.length];
    int[] stack = new int[successors.length];
    int depth = 0;
    stack[depth++] = root;
    seen[root] = true;
    while (depth > 0) {
      int node = stack[depth - 1];
      if (next[node] == successors[node].length) {
        order[ordered++] = node;
        depth--;
      } else {
        int successor = successors[node][next[node]++];
        if (!seen[successor]) {
          seen[successor] = true;
          stack[depth++] = successor;
        }
      }
    }
    return Arrays.copyOf(order, ordered);
  }

  private static int[][] predecessors(int[][] successors, int[] reached) {
    int[] counts = new int[successors.length];
    for (int node : reached) {
      for (int successor : successors[node]) {
        counts[successor]++;
      }
    }
    int[][] predecessors = new int[successors.length][];
    for (int node = 0; node < predecessors.length; node++) {
      predecessors[node] = new int[counts[node]];
    }
    for (int node : reached) {
      for (int successor : successors[node]) {
        predecessors[successor][--counts[successor]] = node;
      }
    }
    return predecessors;
  }
}

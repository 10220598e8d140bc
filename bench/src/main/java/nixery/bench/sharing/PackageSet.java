package nixery.bench.sharing;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * The packages of a channel and what refers to what. Each stands after all that it refers to.
 *
 * @param name what the set is called
 * @param packages its packages
 * @param base the packages that every image has, beside those that it is named for
 * @param shell what the meta-package {@code shell} adds
 */
record PackageSet(String name, List<Package> packages, List<Integer> base, List<Integer> shell) {

  /**
   * One output of a package.
   *
   * @param pname the name without version
   * @param output what follows the version, empty for the first output
   * @param size of its NAR, in bytes
   * @param references the packages that it refers to when it is built
   * @param tools the packages that it was built with and does not refer to
   */
  @SuppressWarnings({"ArrayRecordComponent", "AvoidCommonTypeNames"}) // by the hundred thousand
  record Package(String pname, String output, long size, int[] references, int[] tools) {}

  PackageSet named(String other) {
    return new PackageSet(other, packages, base, shell);
  }

  /** Returns how many packages refer to each, by name, as {@code popcount} counts. */
  Map<String, Integer> references() {
    Map<String, Integer> counts = new HashMap<>();
    for (Package each : packages) {
      Arrays.stream(each.references())
          .mapToObj(reference -> packages.get(reference).pname())
          .filter(pname -> !pname.equals(each.pname()))
          .distinct()
          .forEach(pname -> counts.merge(pname, 1, Integer::sum));
    }
    return counts;
  }

  /** Returns for each package how many cannot be built without it, counted up to a limit. */
  int[] dependents(int most) {
    int size = packages.size();
    int[][] users = new int[size][];
    int[] counts = new int[size];
    for (Package each : packages) {
      for (int[] edges : List.of(each.references(), each.tools())) {
        for (int edge : edges) {
          counts[edge]++;
        }
      }
    }
    Arrays.setAll(users, node -> new int[counts[node]]);
    for (int node = 0; node < size; node++) {
      for (int[] edges : List.of(packages.get(node).references(), packages.get(node).tools())) {
        for (int edge : edges) {
          users[edge][--counts[edge]] = node;
        }
      }
    }
    int[] dependents = new int[size];
    int[] seen = new int[size];
    int[] queue = new int[size];
    for (int node = 0; node < size; node++) {
      int end = 0;
      queue[end++] = node;
      for (int next = 0; next < end && end <= most; next++) {
        for (int user : users[queue[next]]) {
          if (seen[user] <= node) {
            seen[user] = node + 1;
            queue[end++] = user;
          }
        }
      }
      dependents[node] = end - 1;
    }
    return dependents;
  }

  /** Returns the packages that nothing refers to, in an order that the seed decides. */
  int[] applications(Random random) {
    boolean[] referred = new boolean[packages.size()];
    for (Package each : packages) {
      for (int reference : each.references()) {
        referred[reference] = true;
      }
    }
    int[] applications = new int[packages.size()];
    int count = 0;
    for (int node = 0; node < referred.length; node++) {
      if (!referred[node]) {
        applications[count++] = node;
      }
    }
    applications = Arrays.copyOf(applications, count);
    for (int i = count - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int other = applications[j];
      applications[j] = applications[i];
      applications[i] = other;
    }
    return applications;
  }
}

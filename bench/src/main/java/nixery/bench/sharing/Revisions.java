package nixery.bench.sharing;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import nixery.image.Digest;
import nixery.image.PathInfo;
import nixery.image.StorePath;

/**
 * The history of a package set, a week from one revision to the next. A new version of a package
 * gives new hashes to all that cannot be built without it. As in nixpkgs, packages on which many
 * depend are changed together, in every fourth week ("staging"), and the C library then is always
 * among them; the others at any time.
 */
final class Revisions {

  /** In nixpkgs some 500 to 1,000 dependents of 100,000 packages make a change one for staging. */
  private static final double MANY = 0.01;

  private static final int STAGING = 4;

  private static final String DIGITS = "0123456789abcdfghijklmnpqrsvwxyz";

  private final PackageSet set;
  private final StorePath[][] paths;
  private final long[][] sizes;
  private final PathInfo[][] infos;

  /**
   * Makes a history.
   *
   * @param set the packages
   * @param count of revisions
   * @param churn the chance that a package has a new version in a week
   * @param seed decides what changes
   */
  Revisions(PackageSet set, int count, double churn, long seed) {
    this.set = set;
    int size = set.packages().size();
    paths = new StorePath[count][size];
    sizes = new long[count][size];
    infos = new PathInfo[count][size];
    int many = (int) (size * MANY);
    int[] dependents = set.dependents(many);
    Random random = new Random(seed);
    int[] versions = new int[size];
    for (int revision = 0; revision < count; revision++) {
      boolean staging = revision > 0 && revision % STAGING == 0;
      for (int node = 0; node < size; node++) {
        PackageSet.Package each = set.packages().get(node);
        boolean sibling = node > 0 && set.packages().get(node - 1).pname().equals(each.pname());
        double chance = dependents[node] < many ? churn : staging ? churn * STAGING : 0;
        if (sibling) {
          versions[node] = versions[node - 1];
        } else if (revision > 0 && (random.nextDouble() < chance || (staging && node == 0))) {
          versions[node]++;
        }
        paths[revision][node] = path(revision, node, versions[node]);
        sizes[revision][node] = size(each.size(), node, versions[node]);
      }
    }
  }

  private static long size(long first, int node, int version) {
    return version == 0
        ? first
        : (long) (first * (0.95 + 0.1 * new Random(node * 31L + version).nextDouble()));
  }

  private StorePath path(int revision, int node, int version) {
    PackageSet.Package each = set.packages().get(node);
    String name =
        each.pname() + "-1." + version + (each.output().isEmpty() ? "" : "-" + each.output());
    MessageDigest sha256 = Digest.sha256();
    sha256.update(name.getBytes(StandardCharsets.UTF_8));
    for (int[] edges : List.of(each.references(), each.tools())) {
      for (int edge : edges) {
        sha256.update(paths[revision][edge].hash().getBytes(StandardCharsets.UTF_8));
      }
    }
    byte[] digest = sha256.digest();
    StringBuilder hash = new StringBuilder();
    for (int i = 0; i < 32; i++) {
      hash.append(DIGITS.charAt(digest[i] & 31));
    }
    StorePath path = new StorePath(hash + "-" + name);
    return revision > 0 && path.equals(paths[revision - 1][node])
        ? paths[revision - 1][node]
        : path;
  }

  /** Returns what the packages need at a revision, themselves among it. */
  List<PathInfo> closure(int revision, List<Integer> roots) {
    boolean[] seen = new boolean[set.packages().size()];
    List<Integer> left = new ArrayList<>(roots);
    List<PathInfo> closure = new ArrayList<>();
    roots.forEach(root -> seen[root] = true);
    while (!left.isEmpty()) {
      int node = left.removeLast();
      closure.add(info(revision, node));
      for (int reference : set.packages().get(node).references()) {
        if (!seen[reference]) {
          seen[reference] = true;
          left.add(reference);
        }
      }
    }
    return closure;
  }

  StorePath path(int revision, int node) {
    return paths[revision][node];
  }

  private PathInfo info(int revision, int node) {
    if (infos[revision][node] == null) {
      infos[revision][node] =
          new PathInfo(
              paths[revision][node],
              sizes[revision][node],
              new TreeSet<>(
                  Arrays.stream(set.packages().get(node).references())
                      .mapToObj(reference -> paths[revision][reference])
                      .toList()));
    }
    return infos[revision][node];
  }
}

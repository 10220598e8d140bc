package nixery.bench.sharing;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import nixery.bench.sharing.PackageSet.Package;

/**
 * Makes package sets in the likeness of nixpkgs.
 *
 * @param name what the set is called
 * @param size how many packages it has
 * @param medianReferences how many others the median package refers to, besides the C library
 * @param exponent of the power law by which packages are referred to: the number of references to
 *     the package of rank r is proportional to r^-exponent
 * @param families how many families there are, such as Python's or KDE's packages: each has a
 *     platform that most of its members refer to, and its members refer to each other
 * @param kinship the chance that a reference stays in the family
 * @param medianSize of a NAR, in bytes
 * @param sigma the standard deviation of the natural logarithm of the size
 */
record SyntheticPackages(
    String name,
    int size,
    double medianReferences,
    double exponent,
    int families,
    double kinship,
    double medianSize,
    double sigma) {

  /** Of packages that are ELF programs or libraries, and so refer to the C library. */
  private static final double NATIVE = 0.65;

  /** Of packages without references, such as fonts and documentation. */
  private static final double DATA = 0.1;

  /** Of packages that have their libraries in an output of their own. */
  private static final double SPLIT = 0.15;

  private static final double PLATFORM = 0.7;

  private static final long GREATEST = 4L << 30;

  /**
   * Parameters whose results agree with the dependencies of Debian 12, the nearest large set that
   * can be counted exactly: 63,666 packages with 4.2 references on average (90th percentile 9, 99th
   * 26), the number of packages with at least k references to them is proportional to k^-1.1, and
   * the logarithm of the size has a deviation of 2.1. Sizes are larger, since nixpkgs splits
   * packages less.
   */
  static SyntheticPackages likeNixpkgs() {
    return new SyntheticPackages("synthetic, like nixpkgs", 50_000, 3, 0.95, 60, 0.45, 200e3, 2.2);
  }

  SyntheticPackages smaller() {
    return new SyntheticPackages(
        "synthetic, 10,000 packages",
        10_000,
        medianReferences,
        exponent,
        20,
        kinship,
        medianSize,
        sigma);
  }

  SyntheticPackages denser() {
    return new SyntheticPackages(
        "synthetic, twice the references", size, 6, exponent, families, kinship, medianSize, sigma);
  }

  SyntheticPackages flatter() {
    return new SyntheticPackages(
        "synthetic, flatter popularity and sizes",
        size,
        medianReferences,
        0.75,
        200,
        0.6,
        medianSize,
        1.6);
  }

  PackageSet make(long seed) {
    Random random = new Random(seed);
    Zipf global = new Zipf(size, exponent);
    Zipf family = new Zipf(families, 0.8);
    Zipf kin = new Zipf(size, 0.8);
    List<List<Integer>> members = new ArrayList<>();
    for (int i = 0; i < families; i++) {
      members.add(new ArrayList<>());
    }
    List<Package> packages = new ArrayList<>();
    packages.add(new Package("libc", "", 30_000_000, new int[0], new int[0]));
    packages.add(new Package("cacert", "", 500_000, new int[0], new int[0]));
    packages.add(new Package("iana-etc", "", 400_000, new int[0], new int[0]));
    List<Integer> libraries = new ArrayList<>(List.of(0)); // what others refer to, by rank
    while (packages.size() < size) {
      int number = packages.size();
      String pname = "package" + letters(number);
      boolean first = number < families * 20 && number % 20 == 19;
      int of = first ? number / 20 : family.next(random, families);
      Set<Integer> references = new TreeSet<>();
      if (first || random.nextDouble() >= DATA) {
        if (random.nextDouble() < NATIVE) {
          references.add(0);
        }
        if (!members.get(of).isEmpty() && random.nextDouble() < PLATFORM) {
          references.add(members.get(of).getFirst());
        }
        long count = Math.round(medianReferences * Math.exp(random.nextGaussian() * 0.9) - 0.5);
        for (long i = 0; i < Math.min(count, 60); i++) {
          List<Integer> kinsmen = members.get(of);
          references.add(
              !kinsmen.isEmpty() && random.nextDouble() < kinship
                  ? kinsmen.get(kin.next(random, kinsmen.size()))
                  : libraries.get(global.next(random, libraries.size())));
        }
      }
      int[] tools =
          random
              .ints(3, 0, libraries.size())
              .map(bound -> libraries.get(global.next(random, bound + 1)))
              .filter(tool -> tool != 0)
              .toArray();
      boolean split = random.nextDouble() < SPLIT;
      long bytes = first ? (long) 40e6 : narSize(random);
      packages.add(
          new Package(
              pname,
              split ? "lib" : "",
              bytes,
              references.stream().mapToInt(Integer::intValue).toArray(),
              tools));
      libraries.add(number);
      members.get(of).add(number);
      if (split) {
        packages.add(new Package(pname, "", narSize(random), new int[] {0, number}, tools));
      }
    }
    return new PackageSet(name, packages, List.of(1, 2), shell(packages));
  }

  /** Four programs that are not large. */
  private static List<Integer> shell(List<Package> packages) {
    List<Integer> programs = new ArrayList<>();
    for (int node = 3; programs.size() < 4; node++) {
      if (packages.get(node).output().isEmpty()
          && packages.get(node).references().length == 2
          && packages.get(node).size() < 4_000_000) {
        programs.add(node);
      }
    }
    return programs;
  }

  private long narSize(Random random) {
    double bytes = medianSize * Math.exp(random.nextGaussian() * sigma);
    return Math.max(1_000, Math.min(GREATEST, (long) bytes));
  }

  /** Digits would look like a version. */
  private static String letters(int number) {
    StringBuilder letters = new StringBuilder();
    for (int rest = number; rest > 0; rest /= 26) {
      letters.append((char) ('a' + rest % 26));
    }
    return letters.toString();
  }
}

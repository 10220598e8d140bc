package nixery.popcount;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SortedSet;
import java.util.TreeSet;
import nixery.image.Digest;
import nixery.image.StorePath;

/** Makes store paths that refer to each other as those of nixpkgs do: few of them to many. */
final class Packages {

  private static final String BASE32 = "0123456789abcdfghijklmnpqrsvwxyz";

  private Packages() {}

  /** Returns a store path whose hash depends on the name. */
  static StorePath path(String name) {
    BigInteger number = new BigInteger(Digest.of(name.getBytes(StandardCharsets.UTF_8)).hex(), 16);
    StringBuilder hash = new StringBuilder();
    for (int i = 0; i < 32; i++) {
      hash.append(BASE32.charAt(number.shiftRight(5 * i).intValue() & 31));
    }
    return new StorePath(hash + "-" + name);
  }

  /**
   * Returns as many paths; the same ones for the same arguments.
   *
   * @param changed how many of them have another version than usual
   */
  static List<NarInfo> channel(int count, int changed) {
    Random random = new Random(1);
    List<StorePath> paths = new ArrayList<>();
    List<NarInfo> infos = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String version = (i >= count - changed ? "-2." : "-1.") + i % 10;
      paths.add(path("package" + letters(i) + version + (i % 7 == 0 ? "-dev" : "")));
      SortedSet<StorePath> references = new TreeSet<>();
      if (random.nextBoolean()) {
        references.add(paths.get(i));
      }
      for (int n = random.nextInt(8); n > 0 && i > 0; n--) {
        references.add(paths.get((int) (i * Math.pow(random.nextDouble(), 4))));
      }
      infos.add(new NarInfo(paths.get(i), random.nextInt(1 << 24), references));
    }
    return infos;
  }

  private static String letters(int number) {
    return Integer.toString(number / 2, 26)
        .chars()
        .map(c -> c <= '9' ? 'q' + c - '0' : c)
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString();
  }

  /** Returns a narinfo as binary caches have it. */
  static String text(NarInfo info) {
    return """
    StorePath: %s
    URL: nar/1w1fff338fvdw53sqgamddn1b2xgds473pv6y13gizdbqjv4i5p3.nar.xz
    Compression: xz
    FileHash: sha256:1w1fff338fvdw53sqgamddn1b2xgds473pv6y13gizdbqjv4i5p3
    FileSize: 4029176
    NarHash: sha256:1impfw8zdgisxkghq9a3q7cn7jb9zyzgxdydiamp8z2nlyyl0h5h
    NarSize: %d
    References: %s
    Deriver: 10dx1q4ivjb115y3h90mipaaz533nr0d-x.drv
    Sig: cache.example.org-1:%s
    """
        .formatted(
            info.path(),
            info.narSize(),
            String.join(" ", info.references().stream().map(StorePath::baseName).toList()),
            "A".repeat(88));
  }
}

package nixery.bench.sharing;

import java.util.Random;

/** Ranks from 0, of which the one numbered r comes with a chance proportional to (r + 1)^-s. */
final class Zipf {

  private final double[] sums;

  Zipf(int ranks, double s) {
    sums = new double[ranks];
    double sum = 0;
    for (int rank = 0; rank < ranks; rank++) {
      sum += Math.pow(rank + 1, -s);
      sums[rank] = sum;
    }
  }

  /** Returns one of the first ranks. */
  int next(Random random, int ranks) {
    double target = random.nextDouble() * sums[ranks - 1];
    int low = 0;
    int high = ranks - 1;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (sums[middle] > target) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }
}

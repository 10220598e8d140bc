package nixery.property;

import java.util.OptionalLong;
import java.util.SplittableRandom;

/** What holds of all values, and is tried with many random ones. */
@FunctionalInterface
public interface Property {

  /**
   * The system property that repeats one try, with the seed that a failure names. With Maven:
   * {@code mvn test -pl MODULE -am -Dtest=… -Dsurefire.failIfNoSpecifiedTests=false
   * -Dnixery.property.seed=…}.
   */
  String SEED = "nixery.property.seed";

  /**
   * Checks it with some values.
   *
   * @param samples makes the values; the same ones from the same seed, as long as the same are
   *     asked for
   * @throws Exception if it does not hold, as assertions do that are errors
   */
  void check(Samples samples) throws Exception;

  /**
   * Tries other values each time.
   *
   * @param tries how often
   * @param property what must hold
   * @throws AssertionError if it does not, with the seed of the values
   */
  static void holds(int tries, Property property) {
    String seed = System.getProperty(SEED, "");
    holds(
        tries,
        seed.isEmpty() ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(seed)),
        property);
  }

  /** Tries one seed, or as many others as there are tries. */
  private static void holds(int tries, OptionalLong only, Property property) {
    SplittableRandom seeds = new SplittableRandom();
    long count = only.isPresent() ? 1 : tries;
    for (int i = 0; i < count; i++) {
      long seed = only.orElseGet(seeds::nextLong);
      try {
        property.check(new Samples(seed));
      } catch (Throwable e) {
        throw new AssertionError(
            "%s%n(try %d of %d; to repeat it: -D%s=%d)".formatted(e, i + 1, count, SEED, seed), e);
      }
    }
  }
}

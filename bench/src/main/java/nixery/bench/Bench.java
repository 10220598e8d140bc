package nixery.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

/**
 * What every part is given.
 *
 * @param servers starts servers
 * @param results takes what is measured
 * @param rounds how often each thing is measured, at least 1
 * @param seconds how long each load lasts
 * @param registries URLs of manifests of other registries to measure too
 */
record Bench(Servers servers, Results results, int rounds, int seconds, List<String> registries) {

  /** Something that is measured, its unit, and what it should be; empty where there is no goal. */
  record Quantity(String name, String unit, String goal) {}

  /** Something that can be measured on several servers. */
  record Subject(String name, ToDoubleFunctions measure) {}

  /** Measures several figures at once, by their names. */
  @FunctionalInterface
  interface ToDoubleFunctions {
    Map<String, Double> measure();
  }

  /**
   * Measures each subject in each round, one after the other, so that what else goes on on the
   * machine meets all of them.
   *
   * @param quantities all that the subjects measure
   */
  void alternate(String part, String what, List<Quantity> quantities, List<Subject> subjects) {
    Map<String, Map<String, List<Double>>> samples = new TreeMap<>();
    for (int round = 0; round < rounds; round++) {
      for (Subject subject : subjects) {
        subject
            .measure()
            .measure()
            .forEach((figure, value) ->
                samples
                    .computeIfAbsent(figure, _ -> new TreeMap<>())
                    .computeIfAbsent(subject.name(), _ -> new ArrayList<>())
                    .add(value));
      }
    }
    for (Quantity quantity : quantities) {
      for (Subject subject : subjects) {
        results.add(
            Figure.of(
                    part,
                    what + ", " + quantity.name(),
                    subject.name(),
                    quantity.unit(),
                    samples.get(quantity.name()).get(subject.name()).stream()
                        .mapToDouble(value -> value)
                        .toArray())
                .withGoal(quantity.goal()));
      }
    }
  }

  /** Measures one thing so often as there are rounds. */
  double[] repeat(ToDoubleFunction<Integer> measure) {
    double[] samples = new double[rounds];
    for (int round = 0; round < rounds; round++) {
      samples[round] = measure.applyAsDouble(round);
    }
    return samples;
  }
}

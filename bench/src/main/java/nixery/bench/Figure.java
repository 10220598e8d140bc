package nixery.bench;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * One thing that was measured.
 *
 * @param part the part of the benchmark
 * @param what what was measured
 * @param subject whose figure it is: {@code nixery}, or a reference
 * @param unit of the samples
 * @param samples one for each round
 * @param goal what it should be, for people; empty where there is no goal
 */
record Figure(
    @JsonProperty String part,
    @JsonProperty String what,
    @JsonProperty String subject,
    @JsonProperty String unit,
    @JsonProperty List<Double> samples,
    @JsonProperty String goal) {

  static Figure of(String part, String what, String subject, String unit, double... samples) {
    return new Figure(part, what, subject, unit, Arrays.stream(samples).boxed().toList(), "");
  }

  Figure named(String name) {
    return new Figure(part, name, subject, unit, samples, goal);
  }

  Figure withGoal(String text) {
    return new Figure(part, what, subject, unit, samples, text);
  }

  @JsonProperty
  double median() {
    double[] sorted = samples.stream().mapToDouble(sample -> sample).sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  @JsonProperty
  double least() {
    return Collections.min(samples);
  }

  @JsonProperty
  double greatest() {
    return Collections.max(samples);
  }

  Optional<String> goalText() {
    return goal.isEmpty() ? Optional.empty() : Optional.of(goal);
  }
}

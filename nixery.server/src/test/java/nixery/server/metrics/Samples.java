package nixery.server.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads Prometheus's <a
 * href="https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details">text
 * format</a>.
 */
public final class Samples {

  private static final Pattern COMMENT =
      Pattern.compile("# (HELP [a-z_]+ \\S.*|TYPE [a-z_]+ (counter|gauge|histogram))");
  private static final Pattern SAMPLE =
      Pattern.compile("([a-z_]+(?:\\{(?:[a-z_]+=\"[^\"\\\\]*\",?)+})?) (\\S+)");

  private Samples() {}

  /** Returns the values of all series, each of which must be there once. */
  public static Map<String, Double> parse(String text) {
    assertThat(text).endsWith("\n");
    Map<String, Double> samples = new TreeMap<>();
    text.lines()
        .filter(line -> !COMMENT.matcher(line).matches())
        .forEach(line -> {
          Matcher sample = SAMPLE.matcher(line);
          assertThat(sample.matches()).as(line).isTrue();
          double value = Double.parseDouble(sample.group(2));
          assertThat(samples.put(sample.group(1), value)).as(line).isNull();
        });
    return samples;
  }

  static Map<String, Double> of(Metrics metrics) {
    return parse(metrics.expose(Optional.empty()).text());
  }
}

package nixery.server.registry;

import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The media types that a client accepts, by <a
 * href="https://www.rfc-editor.org/rfc/rfc9110.html#section-12.5.1">RFC 9110, section 12.5.1</a>.
 *
 * @param weights from media ranges in lower case, without parameters, to their weight from 0 to 1
 */
record Acceptance(Map<String, Double> weights) {

  /** The most media ranges that are looked at. */
  private static final int MAX_RANGES = 100;

  /**
   * Reads the header. Members that cannot be read are ignored.
   *
   * @param headers the values of all {@code Accept} headers, each with any number of members
   * @return what is accepted
   */
  static Acceptance parse(List<String> headers) {
    Map<String, Double> weights = new HashMap<>();
    for (String header : headers) {
      for (String member : header.split(",", MAX_RANGES)) {
        String[] parts = member.split(";", -1);
        String range = parts[0].strip().toLowerCase(Locale.ROOT);
        if (!range.isEmpty() && weights.size() < MAX_RANGES) {
          quality(parts).ifPresent(weight -> weights.merge(range, weight, Math::max));
        }
      }
    }
    return new Acceptance(Map.copyOf(weights));
  }

  private static Optional<Double> quality(String[] parts) {
    for (int i = 1; i < parts.length; i++) {
      String parameter = parts[i].strip().toLowerCase(Locale.ROOT);
      if (parameter.startsWith("q=")) {
        String value = parameter.substring(2).strip();
        return value.matches("0(\\.\\d{0,3})?|1(\\.0{0,3})?")
            ? Optional.of(Double.valueOf(value))
            : Optional.empty();
      }
    }
    return Optional.of(1.0);
  }

  /**
   * Chooses the media type to send.
   *
   * @param offers what there is, the server's favourite first
   * @param fallback what to send if the client accepts none of them, or does not say what it
   *     accepts: registries then send what they have, and clients such as browsers can do with it
   * @return the offer that the client likes best, the first of those that it likes equally, or the
   *     fallback
   */
  String choose(List<String> offers, String fallback) {
    return offers.stream()
        .filter(offer -> weight(offer) > 0)
        .sorted(Comparator.<String>comparingDouble(this::weight).reversed()) // stable
        .findFirst()
        .orElse(fallback);
  }

  /** Returns whether the client says that it takes this media type. */
  boolean accepts(String mediaType) {
    return weight(mediaType) > 0;
  }

  private double weight(String mediaType) {
    String subtypes = mediaType.substring(0, mediaType.indexOf('/')) + "/*";
    double fallback = weights.getOrDefault(subtypes, weights.getOrDefault("*/*", 0.0));
    return weights.getOrDefault(mediaType, fallback);
  }
}

package nixery.server.registry;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which bytes of a blob a client wants, by <a
 * href="https://www.rfc-editor.org/rfc/rfc9110.html#section-14.2">RFC 9110, section 14.2</a>.
 */
sealed interface ByteRange {

  /** Everything: nothing else was asked for, or in a way that may be ignored. */
  record Whole() implements ByteRange {}

  /**
   * One piece.
   *
   * @param first the first byte, counted from 0
   * @param last the last byte, not less than the first and less than the length of the blob
   */
  record Part(long first, long last) implements ByteRange {}

  /** Nothing that there is. */
  record Unsatisfiable() implements ByteRange {}

  /** One range; several are answered with everything, which the RFC allows. */
  Pattern SINGLE = Pattern.compile("(?i:bytes)=[ \\t]*(\\d*)-(\\d*)[ \\t]*");

  /**
   * Reads the header.
   *
   * @param header the value of {@code Range}, if there is one
   * @param length of the blob, in bytes
   * @return what is wanted; everything if the header is malformed or has several ranges, and for an
   *     empty blob, of which no part can be named. A range that ends before it begins may be
   *     ignored or rejected; it is rejected, as the specification's conformance suite wants it
   */
  static ByteRange parse(Optional<String> header, long length) {
    Matcher matcher = SINGLE.matcher(header.orElse(""));
    if (!matcher.matches() || length == 0) {
      return new Whole();
    }
    String first = matcher.group(1);
    String last = matcher.group(2);
    if (first.isEmpty() && last.isEmpty()) {
      return new Whole();
    }
    if (first.isEmpty()) {
      long suffix = number(last);
      return suffix == 0 ? new Unsatisfiable() : new Part(Math.max(0, length - suffix), length - 1);
    }
    long from = number(first);
    long to = last.isEmpty() ? Long.MAX_VALUE : number(last);
    return to < from || from >= length
        ? new Unsatisfiable()
        : new Part(from, Math.min(to, length - 1));
  }

  /** Takes what is too large for the largest number there is. */
  private static long number(String digits) {
    try {
      return Long.parseLong(digits);
    } catch (NumberFormatException e) {
      return Long.MAX_VALUE;
    }
  }
}

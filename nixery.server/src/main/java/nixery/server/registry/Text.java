package nixery.server.registry;

/** Text of unknown origin. */
final class Text {

  private static final int MAX_LENGTH = 1024;

  private Text() {}

  /**
   * Makes text fit for one line of a log or message.
   *
   * @param text anything
   * @return the text, shortened if it is long, with everything but printable ASCII, and also quotes
   *     and backslashes, written as <code>&#92;uXXXX</code>
   */
  static String printable(String text) {
    StringBuilder result = new StringBuilder(Math.min(text.length(), MAX_LENGTH) + 16);
    for (int i = 0; i < text.length(); i++) {
      if (i == MAX_LENGTH) {
        return result.append("...").toString();
      }
      char c = text.charAt(i);
      if (c >= ' ' && c < 0x7f && c != '"' && c != '\\') {
        result.append(c);
      } else {
        result.append(String.format("\\u%04x", (int) c));
      }
    }
    return result.toString();
  }
}

package nixery.server.web.pages;

import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** The addresses of the pages, and what their queries say. */
final class Links {

  static final String HOME = "/";
  static final String BUILDS = "/builds";

  private Links() {}

  static String build(String id) {
    return BUILDS + "/" + encoded(id);
  }

  static String events(String id, long from) {
    return build(id) + "/events?from=" + from;
  }

  static String image(String name, String tag) {
    return "/images/" + encoded(name).replace("%2F", "/") + "?tag=" + encoded(tag);
  }

  /** Where a build is started with POST. */
  static String start(String name, String tag) {
    return BUILDS + "?image=" + encoded(name) + "&tag=" + encoded(tag);
  }

  static String search(String packages, String tag, String architecture) {
    return "/?packages="
        + encoded(packages)
        + "&tag="
        + encoded(tag)
        + "&arch="
        + encoded(architecture);
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  /** Reads a query; of what is there twice, the first counts. */
  static Map<String, String> query(String raw) {
    Map<String, String> values = new HashMap<>();
    for (String pair : raw.split("&", -1)) {
      String[] parts = pair.split("=", 2);
      values.putIfAbsent(decoded(parts[0]), parts.length == 2 ? decoded(parts[1]) : "");
    }
    return values;
  }

  /** Decodes text from a query; what is not encoded rightly stays as it is. */
  static String decoded(String text) {
    try {
      return URLDecoder.decode(text, StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return text;
    }
  }
}

package nixery.server.web.pages;

import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * A piece of HTML. Text and the values of attributes can be anything: they are written so that a
 * browser reads exactly them. Names of elements and attributes come from this program alone.
 */
sealed interface Html {

  /** A part of an element's start tag. */
  record Attribute(String name, String value) implements Html {

    private static final Pattern NAME = Pattern.compile("[a-z][a-z-]*");

    /** Those by which a browser goes elsewhere, or runs something. */
    private static final Set<String> ADDRESSES = Set.of("href", "src", "action", "formaction");

    /** Refuses scripts, styles, and addresses of other hosts. */
    public Attribute {
      if (!NAME.matcher(name).matches() || name.startsWith("on") || name.equals("style")) {
        throw new IllegalArgumentException("not an attribute: " + name);
      }
      if (ADDRESSES.contains(name)
          && !value.startsWith("#")
          && (!value.startsWith("/") || value.startsWith("//") || value.startsWith("/\\"))) {
        throw new IllegalArgumentException("not an address of this server");
      }
    }
  }

  /** Text. */
  record Text(String text) implements Html {}

  /** An element with attributes and what is in it. */
  record Element(String name, List<Html> parts) implements Html {

    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9]*");

    /** Elements without an end tag. */
    private static final Set<String> VOID = Set.of("br", "input", "link", "meta");

    /** Whose text is not read as text. */
    private static final Set<String> RAW =
        Set.of("style", "iframe", "xmp", "noembed", "noframes", "plaintext", "template", "svg");

    public Element {
      parts = List.copyOf(parts);
      if (!NAME.matcher(name).matches() || RAW.contains(name)) {
        throw new IllegalArgumentException("not an element: " + name);
      }
      boolean empty = VOID.contains(name) || name.equals("script");
      if (empty && !parts.stream().allMatch(part -> part instanceof Attribute)) {
        throw new IllegalArgumentException("nothing can be in an element " + name);
      }
    }
  }

  /** Several pieces, which may be attributes. */
  record Group(List<Html> parts) implements Html {

    public Group {
      parts = List.copyOf(parts);
    }
  }

  static Html el(String name, Html... parts) {
    return new Element(name, flat(List.of(parts)));
  }

  static Html el(String name, String text) {
    return new Element(name, List.of(new Text(text)));
  }

  static Html attr(String name, String value) {
    return new Attribute(name, value);
  }

  /** Returns an attribute that is there or not. */
  static Html flag(String name, boolean isThere) {
    return isThere ? new Attribute(name, "") : NONE;
  }

  static Html text(String text) {
    return new Text(text);
  }

  static Html all(Html... parts) {
    return new Group(List.of(parts));
  }

  static Html all(List<Html> parts) {
    return new Group(parts);
  }

  /** Nothing. */
  Html NONE = new Group(List.of());

  private static List<Html> flat(List<Html> parts) {
    return parts.stream()
        .flatMap(part ->
            part instanceof Group group ? flat(group.parts).stream() : List.of(part).stream())
        .toList();
  }

  /** Returns the whole of a document with this root element. */
  static String document(Html root) {
    StringBuilder out = new StringBuilder("<!DOCTYPE html>\n");
    write(root, out);
    return out.append('\n').toString();
  }

  private static void write(Html html, StringBuilder out) {
    switch (html) {
      case Attribute(var name, var value) -> {
        out.append(' ').append(name);
        if (!value.isEmpty()) {
          out.append("=\"");
          escape(value, out);
          out.append('"');
        }
      }
      case Text(var text) -> escape(text, out);
      case Group(var parts) -> parts.forEach(part -> write(part, out));
      case Element(var name, var parts) -> {
        out.append('<').append(name);
        parts.stream().filter(part -> part instanceof Attribute).forEach(part -> write(part, out));
        out.append('>');
        parts.stream()
            .filter(part -> !(part instanceof Attribute))
            .forEach(part -> write(part, out));
        if (!Element.VOID.contains(name)) {
          out.append("</").append(name).append('>');
        }
      }
    }
  }

  /** Writes text; what browsers would not take as it is becomes a replacement character. */
  private static void escape(String text, StringBuilder out) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '&' -> out.append("&amp;");
        case '<' -> out.append("&lt;");
        case '>' -> out.append("&gt;");
        case '"' -> out.append("&quot;");
        case '\'' -> out.append("&#39;");
        case '\r' -> out.append("&#13;");
        default -> out.append(isUnreadable(text, i) ? '\ufffd' : c);
      }
    }
  }

  private static boolean isUnreadable(String text, int i) {
    char c = text.charAt(i);
    if (Character.isHighSurrogate(c)) {
      return i + 1 == text.length() || !Character.isLowSurrogate(text.charAt(i + 1));
    }
    if (Character.isLowSurrogate(c)) {
      return i == 0 || !Character.isHighSurrogate(text.charAt(i - 1));
    }
    // Of control characters, and those that change the direction of the text around them.
    return (c < ' ' && c != '\n' && c != '\t')
        || (c >= 0x7f && c <= 0x9f)
        || (c >= 0x202a && c <= 0x202e)
        || (c >= 0x2066 && c <= 0x2069);
  }
}

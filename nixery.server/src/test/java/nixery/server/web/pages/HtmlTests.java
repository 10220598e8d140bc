package nixery.server.web.pages;

import static nixery.server.web.pages.Html.attr;
import static nixery.server.web.pages.Html.el;
import static nixery.server.web.pages.Html.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.List;
import nixery.property.Property;
import nixery.property.Samples;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class HtmlTests {

  /** What means something to a browser. */
  private static final List<String> PIECES =
      List.of(
          "<",
          ">",
          "\"",
          "'",
          "&",
          "/",
          "=",
          "`",
          "<script>",
          "</title>",
          "-->",
          "<!--",
          "]]>",
          "&lt;",
          "&#60;",
          "\0",
          "\r",
          "\n",
          "\t",
          "\ud800",
          "\udc00",
          "😀",
          "\u202e",
          "\u0085",
          "javascript:",
          "onload",
          " ",
          "a");

  /** Returns text that is hostile, or any other. */
  private static String hostile(Samples samples) {
    return samples.flag()
        ? String.join("", samples.list(0, 12, () -> samples.of(PIECES)))
        : samples.text(0, 30);
  }

  /** Returns what a browser reads in a document, when it reads no elements. */
  private static String unescaped(String html) {
    return html.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&#13;", "\r")
        .replace("&amp;", "&");
  }

  /** Returns what is shown for text: all of it, but for what browsers would change anyway. */
  private static String shown(String text) {
    StringBuilder out = new StringBuilder();
    text.codePoints()
        .forEach(c -> {
          boolean isControl = Character.isISOControl(c) && "\n\t\r".indexOf(c) < 0;
          boolean isDirection = (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
          boolean isHalf = c >= 0xd800 && c <= 0xdfff;
          out.appendCodePoint(isControl || isDirection || isHalf ? 0xfffd : c);
        });
    return out.toString();
  }

  @Test
  void textIsNeverATag() {
    Property.holds(1000, samples -> assertNoTag(hostile(samples)));
  }

  private static void assertNoTag(String text) {
    String html = Html.document(el("p", text(text)));
    String body =
        html.substring("<!DOCTYPE html>\n<p>".length(), html.length() - "</p>\n".length());
    assertThat(body).doesNotContain("<", ">");
    assertThat(unescaped(body)).isEqualTo(shown(text));
  }

  @Test
  void anAttributeNeverEndsEarly() {
    Property.holds(1000, samples -> assertWithinTheAttribute(hostile(samples)));
  }

  private static void assertWithinTheAttribute(String value) {
    String html = Html.document(el("p", attr("title", "x" + value)));
    String start = "<!DOCTYPE html>\n<p title=\"x";
    assertThat(html).startsWith(start).endsWith("\"></p>\n");
    String written = html.substring(start.length(), html.length() - "\"></p>\n".length());
    assertThat(written).doesNotContain("<", ">", "\"", "'", "\r");
    assertThat(unescaped(written)).isEqualTo(shown(value));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "javascript:alert(1)",
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "data:,",
        ""
      })
  void addressesAreThisServers(String address) {
    for (String name : List.of("href", "src", "action", "formaction")) {
      assertThatThrownBy(() -> attr(name, address)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void nothingThatRunsCanBeWritten() {
    for (String name : List.of("onclick", "style", "a b", "a=\"", "HREF")) {
      assertThatThrownBy(() -> attr(name, "x")).isInstanceOf(IllegalArgumentException.class);
    }
    for (String name : List.of("style", "svg", "iframe", "a b", "p><script")) {
      assertThatThrownBy(() -> el(name)).isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> el("script", text("alert(1)")))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void anAddressOfAnyNameLeadsToThisServer() {
    Property.holds(1000, samples -> assertLeadHere(hostile(samples), hostile(samples)));
  }

  private static void assertLeadHere(String name, String tag) {
    for (String link :
        List.of(
            Links.image(name, tag),
            Links.build(name),
            Links.start(name, tag),
            Links.search(name, tag, name))) {
      assertThat(attr("href", link)).isEqualTo(new Html.Attribute("href", link));
      assertThat(link).matches("/[A-Za-z0-9._*%+/?=&-]*");
    }
  }

  @Test
  void queriesAreReadAsTheyAreWritten() {
    Property.holds(1000, samples -> assertReadAsWritten(hostile(samples)));
  }

  private static void assertReadAsWritten(String packages) {
    // What is no character cannot be sent.
    String text = new String(packages.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
    String link = Links.search(text, "v1", "arm64");
    assertThat(Links.query(link.substring(link.indexOf('?') + 1)))
        .containsEntry("packages", text)
        .containsEntry("tag", "v1")
        .containsEntry("arch", "arm64");
  }

  @Test
  void noQueryIsTooOdd() {
    Property.holds(1000, samples -> assertThat(Links.query(hostile(samples))).isNotEmpty());
  }
}

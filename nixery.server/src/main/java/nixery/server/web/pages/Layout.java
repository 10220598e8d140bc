package nixery.server.web.pages;

import static nixery.server.web.pages.Html.all;
import static nixery.server.web.pages.Html.attr;
import static nixery.server.web.pages.Html.el;
import static nixery.server.web.pages.Html.flag;
import static nixery.server.web.pages.Html.text;

/** What all pages have in common. */
final class Layout {

  private Layout() {}

  /**
   * Returns a page.
   *
   * @param title of it
   * @param path of the entry in the navigation that leads there, or anything else
   * @param head more for the head
   * @param content of it
   */
  static String page(String title, String path, Html head, Html... content) {
    return Html.document(
        el(
            "html",
            attr("lang", "en"),
            el(
                "head",
                el("meta", attr("charset", "utf-8")),
                el(
                    "meta",
                    attr("name", "viewport"),
                    attr("content", "width=device-width, initial-scale=1")),
                el("meta", attr("name", "color-scheme"), attr("content", "light dark")),
                el("title", title + " · Nixery"),
                el("link", attr("rel", "icon"), attr("href", Asset.ICON.path())),
                el("link", attr("rel", "stylesheet"), attr("href", Asset.STYLE.path())),
                el("script", attr("src", Asset.SCRIPT.path()), flag("defer", true)),
                head),
            el(
                "body",
                el("a", cls("skip"), attr("href", "#main"), text("Skip to the content")),
                el(
                    "header",
                    el("a", cls("brand"), attr("href", Links.HOME), text("Nixery")),
                    el(
                        "nav",
                        attr("aria-label", "Pages"),
                        entry("Images", Links.HOME, path),
                        entry("Builds", Links.BUILDS, path))),
                el("main", attr("id", "main"), all(content)))));
  }

  private static Html entry(String title, String path, String present) {
    return el(
        "a",
        attr("href", path),
        path.equals(present) ? attr("aria-current", "page") : Html.NONE,
        text(title));
  }

  static Html cls(String names) {
    return attr("class", names);
  }

  /** Returns text that is read aloud only. */
  static Html aloud(String text) {
    return el("span", cls("aloud"), text(text));
  }

  /** Returns a command with what the script needs to make it easy to copy. */
  static Html command(String command) {
    return el(
        "pre",
        cls("command"),
        attr("tabindex", "0"),
        attr("aria-label", "Command"),
        attr("role", "region"),
        attr("data-copy", command),
        el("code", command));
  }

  /** Returns a button that has an image built. */
  static Html buildButton(String name, String tag, String label) {
    return el(
        "form",
        attr("method", "post"),
        attr("action", Links.start(name, tag)),
        el("button", attr("type", "submit"), text(label)));
  }

  /** Returns a page that says that something is not there or cannot be done. */
  static String problem(String title, String message) {
    return page(title, "", Html.NONE, el("h1", title), el("p", cls("problem"), text(message)));
  }
}

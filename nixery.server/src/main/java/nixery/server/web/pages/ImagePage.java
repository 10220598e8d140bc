package nixery.server.web.pages;

import static nixery.server.web.pages.Html.all;
import static nixery.server.web.pages.Html.attr;
import static nixery.server.web.pages.Html.el;
import static nixery.server.web.pages.Html.text;
import static nixery.server.web.pages.Layout.cls;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import nixery.server.build.ImageDetails;
import nixery.server.build.LayerContents;

/** What an image holds. */
final class ImagePage {

  /** How many store paths of a layer are shown at once. */
  private static final int AT_ONCE = 4;

  private ImagePage() {}

  /**
   * Returns the page.
   *
   * @param host of this server, as the client knows it
   */
  static String of(String name, String tag, String host, ImageDetails image) {
    long shared =
        image.layers().stream()
            .filter(layer -> !layer.sharedWith().isEmpty())
            .mapToLong(ImageDetails.Layer::size)
            .sum();
    return Layout.page(
        name + ":" + tag,
        "",
        Html.NONE,
        el("h1", name + ":" + tag),
        el(
            "p",
            cls("lead"),
            text(
                "%s, %s to download%s."
                    .formatted(
                        Amounts.count(image.layers().size(), "layer"),
                        Amounts.bytes(image.size()),
                        shared == 0
                            ? ""
                            : ", of which "
                                + Amounts.bytes(shared)
                                + " are in other images that were served lately"))),
        Layout.command(FrontPage.pull(host, name, tag)),
        layers(image),
        el("p", cls("hint digest"), text("Manifest: " + image.manifest())));
  }

  private static Html layers(ImageDetails image) {
    long largest = image.layers().stream().mapToLong(ImageDetails.Layer::size).max().orElse(1);
    List<Html> rows = new ArrayList<>();
    for (ImageDetails.Layer layer : image.layers()) {
      rows.add(row(rows.size() + 1, layer, largest));
    }
    return el(
        "div",
        cls("wide"),
        attr("tabindex", "0"),
        attr("role", "region"),
        attr("aria-label", "Layers"),
        el(
            "table",
            cls("layers"),
            el("caption", "Layers, lowest first"),
            el("thead", el("tr", head("Layer"), head("Size"), head("Holds"), head("Also in"))),
            el("tbody", all(rows))));
  }

  private static Html head(String title) {
    return el("th", attr("scope", "col"), text(title));
  }

  private static Html row(int number, ImageDetails.Layer layer, long largest) {
    return el(
        "tr",
        el("td", cls("number"), attr("title", layer.digest().toString()), text(number + "")),
        el(
            "td",
            cls("size"),
            text(Amounts.bytes(layer.size())),
            el(
                "progress",
                attr("aria-hidden", "true"),
                attr("max", Long.toString(Math.max(largest, 1))),
                attr("value", Long.toString(layer.size())))),
        el(
            "td",
            layer
                .contents()
                .map(ImagePage::contents)
                .orElseGet(() -> el("span", cls("hint"), text("unknown")))),
        el("td", cls("shared"), text(String.join(", ", layer.sharedWith()))));
  }

  private static Html contents(LayerContents contents) {
    List<LayerContents.Item> paths =
        contents.paths().stream()
            .sorted(
                Comparator.comparingLong(LayerContents.Item::size)
                    .reversed()
                    .thenComparing(LayerContents.Item::name))
            .toList();
    if (paths.isEmpty()) {
      return el("span", cls("hint"), text("links, such as /bin, to all packages"));
    }
    if (paths.size() <= AT_ONCE) {
      return list(paths);
    }
    return el(
        "details",
        el(
            "summary",
            text(
                paths.getFirst().name()
                    + " and "
                    + Amounts.count(paths.size() - 1, "other store path"))),
        list(paths));
  }

  private static Html list(List<LayerContents.Item> paths) {
    return el(
        "ul",
        cls("paths"),
        all(
            paths.stream()
                .map(path ->
                    el(
                        "li",
                        text(path.name() + " "),
                        el("span", cls("hint"), text(Amounts.bytes(path.size())))))
                .toList()));
  }

  /** Returns the page of an image that is not there. */
  static String missing(String name, String tag) {
    return Layout.page(
        name + ":" + tag,
        "",
        Html.NONE,
        el("h1", name + ":" + tag),
        el(
            "p",
            text(
                "This image is not built yet, as far as this server knows. Pulling it builds it.")),
        Layout.buildButton(name, tag, "Build it now"));
  }
}

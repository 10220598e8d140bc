package nixery.server.web.pages;

import static nixery.server.web.pages.Html.all;
import static nixery.server.web.pages.Html.attr;
import static nixery.server.web.pages.Html.el;
import static nixery.server.web.pages.Html.flag;
import static nixery.server.web.pages.Html.text;
import static nixery.server.web.pages.Layout.aloud;
import static nixery.server.web.pages.Layout.cls;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import nixery.image.StorePath;
import nixery.server.build.Catalogue.Preview;
import nixery.server.build.ImageDetails;
import nixery.server.build.ImageName;
import nixery.server.nix.Resolved;

/** Where one types packages, and gets the command that pulls them as an image. */
final class FrontPage {

  private static final String DEFAULT_TAG = "latest";
  private static final List<String> EXAMPLES = List.of("shell git htop", "curl jq", "sqlite");

  private FrontPage() {}

  /**
   * What was typed.
   *
   * @param packages anything
   * @param tag anything
   * @param architecture one of those on offer
   * @param offered all of them, the one first that need not be named
   */
  record Input(String packages, String tag, String architecture, List<String> offered) {

    static Input of(Map<String, String> query, List<String> offered) {
      String tag = query.getOrDefault("tag", "").strip();
      String architecture = query.getOrDefault("arch", "");
      return new Input(
          query.getOrDefault("packages", "").strip(),
          tag.isEmpty() ? DEFAULT_TAG : tag,
          offered.contains(architecture) ? architecture : offered.getFirst(),
          offered);
    }

    /** Returns the name of the image, which may not be one; empty if nothing was typed. */
    String name() {
      List<String> words =
          Stream.of(packages.toLowerCase(Locale.ROOT).split("[\\s,;+/]+"))
              .filter(word -> !word.isEmpty())
              .toList();
      if (words.isEmpty()) {
        return "";
      }
      // The meta-package that gives a shell counts only in front.
      List<String> components = new ArrayList<>();
      if (!architecture.equals(offered.getFirst())) {
        components.add(architecture);
      }
      words.stream().filter(word -> word.equals("shell")).limit(1).forEach(components::add);
      words.stream().filter(word -> !word.equals("shell")).forEach(components::add);
      return String.join("/", components);
    }

    private String replacing(String name, String other) {
      return String.join(
          " ",
          Stream.of(packages.split("[\\s,;+/]+"))
              .map(word -> word.equalsIgnoreCase(name) ? other : word)
              .toList());
    }
  }

  /** Returns the page before anything was typed. */
  static String empty(Input input) {
    return page(input, Html.NONE, Html.NONE);
  }

  /** Returns the page when what was typed is no name. */
  static String invalid(Input input, String message) {
    return page(input, el("p", attr("id", "problem"), cls("problem"), text(message)), Html.NONE);
  }

  /**
   * Returns the page with an answer.
   *
   * @param host of this server, as the client knows it
   */
  static String answer(Input input, String host, Preview preview) {
    String name = input.name();
    return page(
        input,
        Html.NONE,
        el(
            "section",
            attr("aria-labelledby", "result"),
            el("h2", attr("id", "result"), text(name + ":" + input.tag)),
            preview instanceof Preview.NotBuilt notBuilt && !notBuilt.isBuildable()
                ? Html.NONE
                : Layout.command(pull(host, name, input.tag)),
            result(input, name, preview)));
  }

  /** Returns the command that pulls an image. */
  static String pull(String host, String name, String tag) {
    String suffix = tag.equals(DEFAULT_TAG) ? "" : ":" + tag;
    return "docker pull " + host + "/" + name + suffix;
  }

  private static Html result(Input input, String name, Preview preview) {
    return switch (preview) {
      case Preview.Built(ImageDetails details) ->
          all(
              el(
                  "p",
                  cls("good"),
                  text(
                      "Ready: %s, %s to download."
                          .formatted(
                              Amounts.count(details.layers().size(), "layer"),
                              Amounts.bytes(details.size())))),
              el(
                  "p",
                  el("a", attr("href", Links.image(name, input.tag)), text("See what is in it"))));
      case Preview.NotBuilt notBuilt ->
          all(
              packages(input, notBuilt),
              notBuilt.isBuildable()
                  ? all(
                      el(
                          "p",
                          text(
                              "Not built yet. The first pull builds it; you can have that done"
                                  + " beforehand and watch.")),
                      Layout.buildButton(name, input.tag, "Build it now"))
                  : el("p", text("There is no such image, as long as that is so.")));
      case Preview.Busy() ->
          el(
              "p",
              text(
                  "The server is busy now, so that it cannot say what is in it. The command works"
                      + " all the same if all of these are packages."));
    };
  }

  private static Html packages(Input input, Preview.NotBuilt preview) {
    Set<String> named = ImageName.parse(input.name()).attributes();
    return el(
        "ul",
        cls("packages"),
        all(
            preview.packages().entrySet().stream()
                // What every image gets is worth a word only if there is something wrong with it.
                .filter(entry ->
                    named.contains(entry.getKey()) || !(entry.getValue() instanceof Resolved.Found))
                .map(entry -> line(input, entry.getKey(), entry.getValue()))
                .toList()));
  }

  private static Html line(Input input, String name, Resolved answer) {
    return switch (answer) {
      case Resolved.Found found ->
          el("li", cls("found"), aloud("found: "), el("b", name), text(" " + version(found)));
      case Resolved.Unknown(var matches) ->
          el(
              "li",
              cls("missing"),
              aloud("not found: "),
              el("b", name),
              text(matches.isEmpty() ? " is not there." : " is not there. Did you mean "),
              suggestions(input, name, matches));
      case Resolved.NotAPackage(var what) ->
          el(
              "li",
              cls("missing"),
              aloud("no package: "),
              el("b", name),
              text(" is " + what + ", not a package."));
      case Resolved.Broken(var message) ->
          el(
              "li",
              cls("missing"),
              aloud("broken: "),
              el("b", name),
              text(" cannot be evaluated:"),
              el(
                  "pre",
                  attr("tabindex", "0"),
                  attr("role", "region"),
                  attr("aria-label", "Message of Nix"),
                  text(message)));
    };
  }

  private static Html suggestions(Input input, String name, List<String> matches) {
    List<Html> links = new ArrayList<>();
    for (String match : matches) {
      links.add(
          text(links.isEmpty() ? "" : links.size() == 2 * matches.size() - 2 ? " or " : ", "));
      links.add(
          el(
              "a",
              attr(
                  "href",
                  Links.search(input.replacing(name, match), input.tag, input.architecture)),
              text(match)));
    }
    if (!matches.isEmpty()) {
      links.add(text("?"));
    }
    return all(links);
  }

  /** Returns what a derivation is called, such as {@code git-2.39.5}. */
  private static String version(Resolved.Found found) {
    try {
      return StorePath.parse(found.derivation()).name().replaceFirst("\\.drv$", "");
    } catch (IllegalArgumentException e) {
      return "";
    }
  }

  private static String page(Input input, Html problem, Html result) {
    return Layout.page(
        "Images",
        Links.HOME,
        Html.NONE,
        el("h1", "Any packages, one image"),
        el(
            "p",
            cls("lead"),
            text(
                "Name packages, and pull them as a container image. What nobody has asked for"
                    + " before is built on the way.")),
        el(
            "form",
            attr("method", "get"),
            attr("action", Links.HOME),
            attr("role", "search"),
            cls("ask"),
            field(
                "packages",
                "Packages",
                el(
                    "input",
                    attr("id", "packages"),
                    attr("name", "packages"),
                    attr("type", "text"),
                    attr("value", input.packages),
                    attr("maxlength", "255"),
                    attr("autocomplete", "off"),
                    attr("autocapitalize", "none"),
                    attr("spellcheck", "false"),
                    attr("aria-describedby", problem.equals(Html.NONE) ? "hint" : "problem hint"),
                    problem.equals(Html.NONE) ? Html.NONE : attr("aria-invalid", "true"),
                    flag("required", true),
                    flag("autofocus", input.packages.isEmpty()))),
            field(
                "tag",
                "Tag",
                el(
                    "input",
                    attr("id", "tag"),
                    attr("name", "tag"),
                    attr("type", "text"),
                    attr("value", input.tag),
                    attr("maxlength", "128"),
                    attr("autocomplete", "off"),
                    attr("autocapitalize", "none"),
                    attr("spellcheck", "false"))),
            field("arch", "Processor", architectures(input)),
            el("button", attr("type", "submit"), text("Show"))),
        el(
            "p",
            attr("id", "hint"),
            cls("hint"),
            text(
                "With spaces between them; begin with shell for an image to work in. For example: "),
            examples(input)),
        problem,
        result);
  }

  private static Html field(String id, String label, Html input) {
    return el("div", cls("field"), el("label", attr("for", id), text(label)), input);
  }

  private static Html architectures(Input input) {
    return el(
        "select",
        attr("id", "arch"),
        attr("name", "arch"),
        all(
            input.offered.stream()
                .map(each ->
                    el(
                        "option",
                        attr("value", each),
                        flag("selected", each.equals(input.architecture)),
                        text(each)))
                .toList()));
  }

  private static Html examples(Input input) {
    List<Html> links = new ArrayList<>();
    for (String example : EXAMPLES) {
      links.add(text(links.isEmpty() ? "" : ", "));
      links.add(
          el(
              "a",
              attr("href", Links.search(example, input.tag, input.architecture)),
              text(example)));
    }
    return all(links);
  }
}

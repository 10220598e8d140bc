package nixery.server.web.pages;

import static nixery.server.web.pages.Html.all;
import static nixery.server.web.pages.Html.attr;
import static nixery.server.web.pages.Html.el;
import static nixery.server.web.pages.Html.text;
import static nixery.server.web.pages.Layout.cls;

import java.util.Arrays;
import nixery.server.progress.LogLines;
import nixery.server.progress.Outcome;
import nixery.server.progress.Snapshot;
import nixery.server.progress.Step;

/** One build, as it goes on. */
final class BuildPage {

  private static final String REFRESH_SECONDS = "3";

  private BuildPage() {}

  /**
   * Returns the page.
   *
   * @param host of this server, as the client knows it
   * @param showLog whether logs are shown here at all
   * @param log what there is of it
   */
  static String of(Snapshot build, String host, boolean showLog, LogLines log) {
    boolean running = !build.outcome().isFinal();
    String name = build.image() + ":" + build.tag();
    return Layout.page(
        name,
        Links.BUILDS,
        running
            ? el(
                "noscript",
                el("meta", attr("http-equiv", "refresh"), attr("content", REFRESH_SECONDS)))
            : Html.NONE,
        el(
            "div",
            attr("id", "build"),
            running ? attr("data-events", Links.events(build.id(), log.next())) : Html.NONE,
            el("h1", text(name)),
            summary(build),
            el(
                "progress",
                attr("max", "1"),
                attr("value", Double.toString(Math.round(build.fraction() * 1000) / 1000.0)),
                attr("aria-label", "Progress"),
                cls(BuildJson.word(build.outcome()))),
            outcome(build, host),
            el(
                "ol",
                cls("steps"),
                attr("aria-label", "Steps"),
                all(Arrays.stream(Step.values()).map(step -> step(build, step)).toList())),
            showLog ? log(log) : Html.NONE));
  }

  private static Html summary(Snapshot build) {
    String state =
        switch (build.outcome()) {
          case Outcome.Running() -> build.step().title();
          case Outcome.Done() -> "Done";
          case Outcome.Failed _ -> "Failed: " + build.step().title();
        };
    return el(
        "p",
        cls("lead"),
        el("span", attr("role", "status"), attr("data-field", "title"), text(state)),
        text(" · "),
        el("span", attr("data-field", "elapsed"), text(Amounts.duration(build.elapsed()))));
  }

  private static Html outcome(Snapshot build, String host) {
    return switch (build.outcome()) {
      case Outcome.Running() -> Html.NONE;
      case Outcome.Done() ->
          all(
              Layout.command(FrontPage.pull(host, build.image(), build.tag())),
              el(
                  "p",
                  el(
                      "a",
                      attr("href", Links.image(build.image(), build.tag())),
                      text("See what is in it"))));
      case Outcome.Failed(_, var message) ->
          all(
              el(
                  "pre",
                  cls("problem"),
                  attr("tabindex", "0"),
                  attr("role", "region"),
                  attr("aria-label", "Why it failed"),
                  text(message)),
              Layout.buildButton(build.image(), build.tag(), "Try again"));
    };
  }

  private static Html step(Snapshot build, Step step) {
    String state = BuildJson.state(build, step);
    String time = build.times().containsKey(step) ? Amounts.duration(build.times().get(step)) : "";
    return el(
        "li",
        attr("data-step", step.label()),
        cls(state),
        el("span", cls("title"), text(step.title())),
        text(" "),
        el("span", cls("aloud"), text(state)),
        text(" "),
        el("span", cls("detail"), text(BuildJson.detail(build, step))),
        text(" "),
        el("span", cls("time"), text(time)));
  }

  private static Html log(LogLines log) {
    StringBuilder lines = new StringBuilder();
    if (log.first() > 0) {
      lines.append(leftOut(log.first())).append('\n');
    }
    log.lines().forEach(line -> lines.append(line).append('\n'));
    return el(
        "section",
        attr("aria-labelledby", "log-title"),
        el("h2", attr("id", "log-title"), text("Log")),
        el(
            "pre",
            attr("id", "log"),
            attr("tabindex", "0"),
            attr("role", "log"),
            attr("aria-live", "off"),
            attr("aria-labelledby", "log-title"),
            text(lines.toString())));
  }

  /** Says that lines are missing. */
  static String leftOut(long lines) {
    return "… " + Amounts.count(lines, "line") + " left out …";
  }
}

package nixery.server.web.pages;

import static nixery.server.web.pages.Html.all;
import static nixery.server.web.pages.Html.attr;
import static nixery.server.web.pages.Html.el;
import static nixery.server.web.pages.Html.text;
import static nixery.server.web.pages.Layout.cls;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import nixery.server.progress.Build;
import nixery.server.progress.Builds;
import nixery.server.progress.Outcome;
import nixery.server.progress.Snapshot;

/** The builds that go on and those that ended lately. */
final class BuildsPage {

  private static final int MAX_MESSAGE = 200;

  private BuildsPage() {}

  static String of(Builds builds, Instant now) {
    List<Snapshot> running = builds.running().stream().map(Build::snapshot).toList();
    List<Snapshot> ended = builds.ended().stream().map(Build::snapshot).toList();
    List<Snapshot> failed = builds.failed().stream().map(Build::snapshot).toList();
    return Layout.page(
        "Builds",
        Links.BUILDS,
        Html.NONE,
        el("h1", "Builds"),
        el(
            "p",
            cls("hint"),
            text("What this server has built since it was started, as far as it remembers.")),
        section("Going on", "Nothing is being built.", running, now),
        section("Lately", "Nothing was built yet.", ended, now),
        section("Failures", "Nothing has failed.", failed, now));
  }

  private static Html section(String title, String none, List<Snapshot> builds, Instant now) {
    String id = title.toLowerCase(Locale.ROOT).replace(' ', '-');
    return el(
        "section",
        attr("aria-labelledby", id),
        el("h2", attr("id", id), text(title)),
        builds.isEmpty()
            ? el("p", cls("hint"), text(none))
            : el(
                "ul", cls("builds"), all(builds.stream().map(build -> line(build, now)).toList())));
  }

  private static Html line(Snapshot build, Instant now) {
    return el(
        "li",
        cls(BuildJson.word(build.outcome())),
        el("a", attr("href", Links.build(build.id())), text(build.image() + ":" + build.tag())),
        text(" "),
        el("span", cls("state"), text(state(build))),
        text(" "),
        el(
            "time",
            attr("datetime", build.begun().toString()),
            text(Amounts.ago(Duration.between(build.begun(), now)))),
        build.outcome() instanceof Outcome.Failed(_, var message)
            ? el("p", cls("why"), text(firstLine(message)))
            : Html.NONE);
  }

  private static String state(Snapshot build) {
    String took = Amounts.duration(build.elapsed());
    return switch (build.outcome()) {
      case Outcome.Running() -> build.step().title() + ", " + took;
      case Outcome.Done() -> "done in " + took;
      case Outcome.Failed _ -> "failed after " + took;
    };
  }

  private static String firstLine(String message) {
    String line = message.lines().findFirst().orElse("");
    return line.length() <= MAX_MESSAGE ? line : line.substring(0, MAX_MESSAGE - 1) + "…";
  }
}

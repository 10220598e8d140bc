package nixery.server.web.pages;

import java.util.List;
import java.util.stream.Stream;
import nixery.server.progress.Counts;
import nixery.server.progress.Outcome;
import nixery.server.progress.Snapshot;
import nixery.server.progress.Step;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** A build as scripts and {@code nixery watch} are told of it. */
final class BuildJson {

  private static final JsonMapper JSON = new JsonMapper();

  private BuildJson() {}

  /** How a step stands, as the page marks it. */
  static String state(Snapshot build, Step step) {
    if (step.compareTo(build.step()) > 0) {
      return build.outcome() instanceof Outcome.Done ? "skipped" : "ahead";
    }
    if (!build.times().containsKey(step)) {
      return "skipped";
    }
    if (step.compareTo(build.step()) < 0) {
      return "done";
    }
    return switch (build.outcome()) {
      case Outcome.Running() -> "running";
      case Outcome.Done() -> "done";
      case Outcome.Failed _ -> "failed";
    };
  }

  /** Says how far a step has come, where that can be said. */
  static String detail(Snapshot build, Step step) {
    Counts counts = build.counts();
    List<String> parts =
        switch (step) {
          case WAIT, FETCH, CLOSURE, PLAN, STORE -> List.of();
          case EVALUATE ->
              counts.packages() == 0
                  ? List.of()
                  : List.of(Amounts.count(counts.packages(), "package"));
          case REALISE ->
              Stream.of(
                      part(counts.toBuild(), counts.built(), "built"),
                      part(counts.toFetch(), counts.fetched(), "fetched"))
                  .flatMap(List::stream)
                  .toList();
          case PACK -> packing(counts);
        };
    return String.join(", ", parts);
  }

  private static List<String> part(long all, long done, String what) {
    return all == 0 ? List.of() : List.of(done + " of " + all + " " + what);
  }

  private static List<String> packing(Counts counts) {
    if (counts.layers() == 0) {
      return List.of();
    }
    String all =
        (counts.packed() + counts.reused()) + " of " + Amounts.count(counts.layers(), "layer");
    String packed = counts.packed() + " packed (" + Amounts.bytes(counts.packedBytes()) + ")";
    return counts.reused() == 0
        ? List.of(all, packed)
        : List.of(all, packed, counts.reused() + " reused");
  }

  /** Returns the word for what became of a build. */
  static String word(Outcome outcome) {
    return switch (outcome) {
      case Outcome.Running() -> "running";
      case Outcome.Done() -> "done";
      case Outcome.Failed _ -> "failed";
    };
  }

  /** Returns the data of the event {@code state}. */
  static String state(Snapshot build) {
    ObjectNode node = JSON.createObjectNode();
    node.put("image", build.image());
    node.put("tag", build.tag());
    node.put("outcome", word(build.outcome()));
    if (build.outcome() instanceof Outcome.Failed(var code, var message)) {
      node.put("code", code.name());
      node.put("message", message);
    }
    node.put("step", build.step().label());
    node.put("title", build.step().title());
    node.put("detail", detail(build, build.step()));
    node.put("fraction", Math.round(build.fraction() * 1000) / 1000.0);
    node.put("elapsed", Amounts.duration(build.elapsed()));
    ObjectNode steps = node.putObject("steps");
    for (Step step : Step.values()) {
      ObjectNode each = steps.putObject(step.label());
      each.put("state", state(build, step));
      each.put("detail", detail(build, step));
      each.put(
          "time", build.times().containsKey(step) ? Amounts.duration(build.times().get(step)) : "");
    }
    return JSON.writeValueAsString(node);
  }
}

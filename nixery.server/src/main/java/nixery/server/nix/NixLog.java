package nixery.server.nix;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads what Nix writes to standard error with {@code --log-format internal-json}: a line each of
 * {@code @nix } and a JSON object, see {@code JSONLogger} in Nix's {@code logging.cc}. Other lines
 * are taken as they are. Keeps the errors and the ends of builders' logs, within bounds. Not
 * thread-safe.
 */
final class NixLog implements Consumer<String> {

  private static final String PREFIX = "@nix ";

  /** How a line of a builder's log begins; what follows is the text, then {@link #LOG_LINE_END}. */
  private static final String LOG_LINE = PREFIX + "{\"action\":\"result\",\"fields\":[\"";

  private static final String LOG_LINE_END = "\"],\"type\":101}";

  private static final String ERROR_PREFIX = "error: ";

  /** The number of characters that a line is cut to. */
  static final int MAX_LINE = 4096;

  private static final int MAX_ERRORS = 16;
  private static final int MAX_ERROR = 1 << 16;
  private static final int MAX_ENDED_BUILDS = 64;
  private static final int MAX_TAIL = 20;
  private static final int MAX_TAIL_LINE = 500;

  // Types of activities and results, see Nix's logging.hh.
  private static final int BUILD = 105;
  private static final int BUILD_LOG_LINE = 101;
  private static final int POST_BUILD_LOG_LINE = 107;

  // Levels of messages, see Nix's error.hh.
  private static final int ERROR = 0;
  private static final int INFO = 3;

  private static final JsonMapper JSON = JsonMapper.shared();

  /** A builder that was started. */
  private static final class Build {
    private final String derivation;
    private final long start = System.nanoTime();
    private final Tail tail = new Tail();
    private long duration = -1;

    private Build(String derivation) {
      this.derivation = derivation;
    }

    private long nanos() {
      return duration >= 0 ? duration : System.nanoTime() - start;
    }
  }

  /** The last lines of something. */
  private static final class Tail {
    private final Deque<String> lines = new ArrayDeque<>();

    private void add(String line) {
      if (lines.size() == MAX_TAIL) {
        lines.removeFirst();
      }
      lines.addLast(cut(line, MAX_TAIL_LINE));
    }
  }

  private final Consumer<String> lines;
  private final Map<Long, Build> running = new LinkedHashMap<>();
  private final Deque<Build> ended = new ArrayDeque<>();
  private final Set<String> errors = new LinkedHashSet<>();
  private final Tail other = new Tail();
  private boolean hasBuilt;

  /**
   * Creates one.
   *
   * @param lines is given each line that is for people to read
   */
  NixLog(Consumer<String> lines) {
    this.lines = lines;
  }

  @Override
  public void accept(String line) {
    if (!line.startsWith(PREFIX)) {
      other.add(Messages.plain(cut(line, MAX_LINE)));
      show(line);
      return;
    }
    try {
      take(JSON.readTree(line.substring(PREFIX.length())));
    } catch (JacksonException e) {
      takeCut(line);
    }
  }

  /** Takes a line that was too long to be read whole. */
  private void takeCut(String line) {
    if (!line.startsWith(LOG_LINE)) {
      other.add(Messages.plain(cut(line, MAX_LINE)));
      show(line);
      return;
    }
    String head = cut(line, LOG_LINE.length() + MAX_LINE);
    // No escape sequence is longer than \u0000; it may have lost its end.
    int escape = head.lastIndexOf('\\');
    if (escape >= head.length() - 6) {
      while (head.charAt(escape - 1) == '\\') {
        escape--;
      }
      head = head.substring(0, escape);
    }
    try {
      take(JSON.readTree(head.substring(PREFIX.length()) + LOG_LINE_END));
    } catch (JacksonException e) {
      show("(a line that is too long)");
    }
  }

  private void take(JsonNode event) {
    long id = event.path("id").asLong(0);
    switch (event.path("action").asString("")) {
      case "start" -> {
        if (event.path("type").asInt(0) == BUILD) {
          hasBuilt = true;
          running.put(id, new Build(event.path("fields").path(0).asString("")));
        }
        showInfo(event, "text");
      }
      case "stop" -> end(running.remove(id));
      case "result" -> {
        int type = event.path("type").asInt(0);
        if (type == BUILD_LOG_LINE || type == POST_BUILD_LOG_LINE) {
          String text = Messages.plain(cut(event.path("fields").path(0).asString(""), MAX_LINE));
          Build build = running.get(id);
          (build == null ? other : build.tail).add(text);
          show(text);
        }
      }
      case "msg" -> {
        if (event.has("raw_msg") && event.path("level").asInt(INFO) == ERROR) {
          error(event);
        } else if (event.path("level").asInt(INFO) == ERROR) {
          other.add(Messages.plain(cut(event.path("msg").asString(""), MAX_LINE)));
        }
        showInfo(event, "msg");
      }
      default -> {}
    }
  }

  private void end(Build build) {
    if (build != null) {
      build.duration = build.nanos();
      if (ended.size() == MAX_ENDED_BUILDS) {
        ended.removeFirst();
      }
      ended.addLast(build);
    }
  }

  private void error(JsonNode event) {
    String message = cut(Messages.plain(event.path("raw_msg").asString("")).strip(), MAX_ERROR);
    String file = event.path("file").asString("");
    // In our own expression, Nix's position is of no use.
    if (!file.isEmpty() && !file.startsWith("«")) {
      String position = ":" + event.path("line").asInt(0) + ":" + event.path("column").asInt(0);
      message += "\nat " + (file.endsWith(position) ? file : file + position);
    }
    if (!message.isEmpty() && errors.size() < MAX_ERRORS) {
      errors.add(message);
    }
  }

  private void showInfo(JsonNode event, String field) {
    if (event.path("level").asInt(INFO) <= INFO) {
      cut(event.path(field).asString(""), MAX_ERROR).lines().forEach(this::show);
    }
  }

  private void show(String line) {
    if (!line.isBlank()) {
      lines.accept(Messages.plain(cut(line, MAX_LINE)));
    }
  }

  /** Returns the errors, the first one first, with the ends of the logs that belong to them. */
  String problem() {
    if (errors.isEmpty()) {
      return lastOther();
    }
    String all = String.join("\n", errors);
    String logs =
        failed().stream()
            .filter(build -> !build.tail.lines.isEmpty())
            .map(build ->
                "The log of "
                    + build.derivation
                    + " ends with:\n"
                    + build.tail.lines.stream().collect(Collectors.joining("\n> ", "> ", "")))
            .collect(Collectors.joining("\n"));
    return logs.isEmpty() ? all : cut(all, Messages.MAX_MESSAGE / 2) + "\n" + logs;
  }

  /** Returns what Nix wrote without ceremony, as it does when stack or heap are full. */
  private String lastOther() {
    List<String> from = List.copyOf(other.lines);
    for (int i = from.size() - 1; i >= 0; i--) {
      if (from.get(i).startsWith(ERROR_PREFIX)) {
        return String.join("\n", from.subList(i, from.size())).substring(ERROR_PREFIX.length());
      }
    }
    return from.isEmpty() ? "Nix does not say why." : String.join("\n", from);
  }

  /** Returns the builds that the errors name and those that have not ended. */
  private List<Build> failed() {
    List<Build> failed = new ArrayList<>(running.values());
    ended.stream()
        .filter(build -> errors.stream().anyMatch(error -> error.contains(build.derivation)))
        .forEach(failed::add);
    return failed;
  }

  /**
   * Returns the derivations of failed builds that took longer than they may.
   *
   * @param limit in nanoseconds
   */
  List<String> slowerThan(long limit) {
    return failed().stream()
        .filter(build -> build.nanos() >= limit)
        .map(build -> build.derivation)
        .toList();
  }

  /** Says whether a builder was started. */
  boolean hasBuilt() {
    return hasBuilt;
  }

  private static String cut(String text, int length) {
    if (text.length() <= length) {
      return text;
    }
    return text.substring(
        0, Character.isHighSurrogate(text.charAt(length - 1)) ? length - 1 : length);
  }
}

package nixery.server.nix;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
  private static final String TRACE_PREFIX = "trace: ";

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
  private static final int COPY_PATHS = 103;
  private static final int BUILDS = 104;
  private static final int PROGRESS = 105;

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

  private final NixListener listener;
  private final Map<Long, Build> running = new LinkedHashMap<>();
  private final Deque<Build> ended = new ArrayDeque<>();
  private final Set<String> errors = new LinkedHashSet<>();
  private final Tail other = new Tail();

  /** The activities that sum up the others, whose ids Nix chooses. */
  private long builds = -1;

  private long copies = -1;

  /**
   * Creates one.
   *
   * @param listener is given each line that is for people to read, and the progress
   */
  NixLog(NixListener listener) {
    this.listener = listener;
  }

  @Override
  public void accept(String line) {
    if (!line.startsWith(PREFIX)) {
      takeOther(line);
      return;
    }
    try {
      take(JSON.readTree(line.substring(PREFIX.length())));
    } catch (JacksonException e) {
      takeCut(line);
    }
  }

  /** Takes a line that was too long to be read whole: ends its last string where it was cut. */
  private void takeCut(String line) {
    boolean isLogLine = line.startsWith(LOG_LINE);
    String head = cut(line, isLogLine ? LOG_LINE.length() + MAX_LINE : MAX_ERROR);
    // No escape sequence is longer than \u0000; it may have lost its end.
    int escape = head.lastIndexOf('\\');
    if (escape >= head.length() - 6) {
      while (head.charAt(escape - 1) == '\\') {
        escape--;
      }
      head = head.substring(0, escape);
    }
    try {
      take(JSON.readTree(head.substring(PREFIX.length()) + (isLogLine ? LOG_LINE_END : "\"}")));
    } catch (JacksonException e) {
      takeOther(line);
    }
  }

  private void takeOther(String line) {
    other.add(Messages.plain(cut(line, MAX_LINE)).strip());
    show(line);
  }

  private void take(JsonNode event) {
    long id = event.path("id").asLong(0);
    switch (event.path("action").asString("")) {
      case "start" -> {
        switch (event.path("type").asInt(0)) {
          case BUILD -> running.put(id, new Build(event.path("fields").path(0).asString("")));
          case BUILDS -> builds = id;
          case COPY_PATHS -> copies = id;
          default -> {}
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
        } else if (type == PROGRESS) {
          progress(id, event.path("fields"));
        }
      }
      case "msg" -> {
        if (event.has("raw_msg") && event.path("level").asInt(INFO) == ERROR) {
          error(event);
        } else if (event.path("level").asInt(INFO) == ERROR) {
          Messages.plain(cut(event.path("msg").asString(""), MAX_ERROR))
              .lines()
              .map(String::strip)
              .filter(line -> !line.startsWith(TRACE_PREFIX))
              .forEach(other::add);
        }
        showInfo(event, "msg");
      }
      default -> {}
    }
  }

  private void progress(long activity, JsonNode fields) {
    long done = fields.path(0).asLong(0);
    long all = fields.path(1).asLong(0);
    if (activity == builds) {
      listener.derivations(done, all);
    } else if (activity == copies) {
      listener.substitutions(done, all);
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
    // An expression that is no file is named "«string»", or by all of its text in Nix 2.8.
    if (file.startsWith("/")) {
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
      listener.line(Messages.plain(cut(line, MAX_LINE)));
    }
  }

  /** Returns the errors, the first one first, with the ends of the logs that belong to them. */
  String problem() {
    return errors.isEmpty() ? lastOther() : withLogs(String.join("\n", errors), failed());
  }

  private static String withLogs(String message, List<Build> builds) {
    String logs =
        builds.stream()
            .filter(build -> !build.tail.lines.isEmpty())
            // Through a daemon, Nix adds the log itself.
            .filter(build -> !message.contains("> " + build.tail.lines.getLast()))
            .map(build ->
                "\nThe log of "
                    + build.derivation
                    + " ends with:\n> "
                    + String.join("\n> ", build.tail.lines))
            .collect(Collectors.joining());
    return logs.isEmpty() ? message : cut(message, Messages.MAX_MESSAGE / 2) + logs;
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
   * Says that the slowest build took too long, if it did.
   *
   * @param atLeast the least time that it must have taken
   * @param limit the time that it was allowed to take
   * @return a message; empty if all builds were faster
   */
  Optional<String> timeout(Duration atLeast, Duration limit) {
    List<Build> builds = failed();
    // Nix 2.34 does not name it.
    return (builds.isEmpty() ? ended : builds)
        .stream()
            .max(Comparator.comparingLong(Build::nanos))
            .filter(build -> build.nanos() >= atLeast.toNanos())
            .map(build ->
                withLogs(
                    "Building %s took longer than %d seconds."
                        .formatted(build.derivation, limit.toSeconds()),
                    List.of(build)));
  }

  private static String cut(String text, int length) {
    if (text.length() <= length) {
      return text;
    }
    return text.substring(
        0, Character.isHighSurrogate(text.charAt(length - 1)) ? length - 1 : length);
  }
}

package nixery.server;

import java.io.PrintStream;
import java.util.List;
import java.util.Optional;
import nixery.api.ConfigurationException;
import nixery.api.Settings;
import nixery.server.watch.WatchCommand;
import nixery.server.watch.WatchOptions;

/**
 * The command {@code nixery}. It exits with status 2, and one sentence on standard error, if it is
 * not configured rightly.
 */
public final class Main {

  private static final int MISCONFIGURED = 2;

  private static final List<String> HELP = List.of("help", "--help", "-h");

  private Main() {}

  /**
   * Runs the command.
   *
   * @param arguments none to serve; {@code build} and its arguments to build one image, {@code
   *     watch} and its arguments to see a server build one; {@code help}, {@code --version} or
   *     {@code --reference} to print something and exit
   */
  public static void main(String[] arguments) {
    int status = run(List.of(arguments), Settings.of(System.getenv()), System.out, System.err);
    if (status != 0) {
      System.exit(status);
    }
  }

  private static int run(
      List<String> arguments, Settings settings, PrintStream out, PrintStream err) {
    try {
      switch (arguments) {
        case List<String> none when none.isEmpty() -> {
          return serve(settings, out);
        }
        case List<String> one when one.size() == 1 && HELP.contains(one.getFirst()) ->
            out.print(Reference.help(plugins(settings)));
        case List<String> build when build.getFirst().equals("build") -> {
          return build(build.subList(1, build.size()), settings, out, err);
        }
        case List<String> watch when watch.getFirst().equals("watch") -> {
          return watch(watch.subList(1, watch.size()), out, err);
        }
        case List<String> one when one.equals(List.of("--reference")) ->
            out.print(Reference.markdown(plugins(settings)));
        case List<String> one when one.equals(List.of("--version")) -> out.println(version());
        // For bin/nixery --make-cache, which has told the JVM to take notes.
        case List<String> one when one.equals(List.of("--train")) ->
            Training.run(Plugins.find(Optional.empty()), out);
        default ->
            throw new ConfigurationException(
                "Unknown arguments %s: try --help.".formatted(String.join(" ", arguments)));
      }
      return 0;
    } catch (ConfigurationException e) {
      err.println("nixery: " + e.getMessage());
      return MISCONFIGURED;
    }
  }

  private static int build(
      List<String> arguments, Settings settings, PrintStream out, PrintStream err) {
    if (arguments.equals(List.of("--help")) || arguments.equals(List.of("-h"))) {
      out.print(BuildOptions.HELP);
      return 0;
    }
    return new BuildCommand(BuildOptions.parse(arguments), out, err)
        .run(settings, plugins(settings));
  }

  private static int watch(List<String> arguments, PrintStream out, PrintStream err) {
    if (HELP.containsAll(arguments) && !arguments.isEmpty()) {
      out.print(WatchOptions.HELP);
      return 0;
    }
    return new WatchCommand(WatchOptions.parse(arguments), out, err).run();
  }

  private static Plugins plugins(Settings settings) {
    return Plugins.find(settings.find(ServerSettings.PLUGINS));
  }

  static String version() {
    return "nixery " + number();
  }

  /** Returns the version of this module. */
  static String number() {
    return Main.class.getModule().getDescriptor().rawVersion().orElse("unknown");
  }

  /** Serves until a signal comes, and returns the status to exit with. */
  private static int serve(Settings settings, PrintStream out) {
    Logging.configure(settings);
    Nixery nixery = Nixery.start(settings, plugins(settings));
    // For all other ways to end.
    Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().name("stop").unstarted(nixery::close));
    Signals signals = Signals.install();
    out.println(nixery.announce());
    int status = signals.await();
    signals.endAtNext();
    nixery.close();
    return status;
  }
}

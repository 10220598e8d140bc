package nixery.popcount;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * The command {@code popcount}. It exits with status 0, or with one sentence on standard error and
 * status 1 if it cannot count, 2 if its arguments are wrong, or 3 if it could not fetch a few
 * narinfos and counted without them. A signal ends it cleanly; what was fetched is kept.
 */
public final class Main {

  private static final int FAILED = 1;
  private static final int MISUSED = 2;

  /** That there is a result, but some narinfos could not be fetched. */
  static final int INCOMPLETE = 3;

  /** How long a signal waits for the end. */
  private static final int GRACE_SECONDS = 10;

  private Main() {}

  /**
   * Runs the command.
   *
   * @param arguments see {@code --help}
   */
  public static void main(String[] arguments) {
    CountDownLatch ended = new CountDownLatch(1);
    Thread main = Thread.currentThread();
    Runtime.getRuntime()
        .addShutdownHook(
            Thread.ofPlatform()
                .name("stop")
                .unstarted(() -> {
                  if (ended.getCount() > 0) {
                    main.interrupt();
                    await(ended);
                  }
                }));
    int status;
    try {
      status =
          run(
              List.of(arguments),
              System.getenv(),
              Http.Patience.USUAL,
              System.out,
              System.err,
              isTerminal());
    } catch (InterruptedException e) {
      System.err.println("popcount: stopped; what was fetched is kept.");
      return; // A signal decides on the status.
    } finally {
      ended.countDown();
    }
    if (status != 0) {
      System.exit(status);
    }
  }

  private static void await(CountDownLatch ended) {
    try {
      if (!ended.await(GRACE_SECONDS, TimeUnit.SECONDS)) {
        System.err.println("popcount: does not stop properly.");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Tells whether standard error is a terminal that can move its cursor. */
  private static boolean isTerminal() {
    try {
      String device = Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString();
      return (device.startsWith("/dev/pts/") || device.startsWith("/dev/tty"))
          && !"dumb".equals(System.getenv("TERM"));
    } catch (IOException | UnsupportedOperationException e) {
      return false; // not Linux
    }
  }

  /**
   * Runs the command in this process.
   *
   * @return the exit status
   * @throws InterruptedException if the thread was interrupted
   */
  static int run(
      List<String> arguments,
      Map<String, String> environment,
      Http.Patience patience,
      PrintStream out,
      PrintStream err,
      boolean terminal)
      throws InterruptedException {
    boolean complete = true;
    try {
      if (arguments.equals(List.of("--help"))) {
        out.print(Options.HELP);
      } else if (arguments.equals(List.of("--version"))) {
        out.println("popcount " + version());
      } else {
        Popcount popcount =
            new Popcount(Options.parse(arguments, environment), patience, err, terminal);
        complete = popcount.run(out);
      }
      out.flush();
      return complete ? 0 : INCOMPLETE;
    } catch (Options.UsageException e) {
      err.println("popcount: " + e.getMessage());
      return MISUSED;
    } catch (PopcountException e) {
      err.println("popcount: " + e.getMessage());
      return FAILED;
    } catch (IOException e) {
      err.println("popcount: " + sentence(e));
      return FAILED;
    }
  }

  private static String sentence(IOException e) {
    return switch (e) {
      case NoSuchFileException missing -> "There is no file or folder " + missing.getFile() + ".";
      case AccessDeniedException denied -> "The access to " + denied.getFile() + " is denied.";
      case FileSystemException other when other.getReason() == null ->
          "The file " + other.getFile() + " is in the way.";
      default -> "A file cannot be read or written: " + e.getMessage() + ".";
    };
  }

  /** Returns the version of this module. */
  static String version() {
    var descriptor = Main.class.getModule().getDescriptor(); // none on the class path
    return descriptor == null ? "unknown" : descriptor.rawVersion().orElse("unknown");
  }
}

package nixery.server.nix;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Looks at the processes of this machine. */
final class Processes {

  private Processes() {}

  /** Returns what this process has started and what that has started, as far as it runs. */
  static List<ProcessHandle> started() {
    return ProcessHandle.current().descendants().filter(Processes::isRunning).toList();
  }

  /** Says whether it runs: one that has ended and that nobody has asked about does not. */
  static boolean isRunning(ProcessHandle process) {
    try {
      String status = Files.readString(Path.of("/proc/" + process.pid() + "/stat"));
      return process.isAlive() && status.charAt(status.lastIndexOf(')') + 2) != 'Z';
    } catch (IOException e) {
      return false;
    }
  }
}

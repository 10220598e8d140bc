package nixery.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

/** Nix's commands, with a note of every call in a file. */
record CountedNix(Path folder) {

  static CountedNix in(Path folder) throws IOException {
    Files.createDirectories(folder);
    for (String name : List.of("nix-instantiate", "nix-store")) {
      String real = Shell.run("sh", "-c", "command -v " + name).strip();
      Path script = folder.resolve(name);
      Files.writeString(
          script,
          """
          #!/bin/sh
          echo "start %1$s $*" >> '%2$s'
          '%3$s' "$@"
          status=$?
          echo "end %1$s" >> '%2$s'
          exit $status
          """
              .formatted(name, folder.resolve("calls"), real));
      Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
    return new CountedNix(folder);
  }

  void reset() throws IOException {
    Files.writeString(folder.resolve("calls"), "");
  }

  private List<String> events() throws IOException {
    return Files.readAllLines(folder.resolve("calls"));
  }

  List<String> calls(String command) throws IOException {
    return events().stream().filter(line -> line.startsWith("start " + command + " ")).toList();
  }

  /** Returns how many processes ran side by side at most. */
  int mostAtOnce() throws IOException {
    int running = 0;
    int most = 0;
    for (String event : events()) {
      running += event.startsWith("start ") ? 1 : -1;
      most = Math.max(most, running);
    }
    return most;
  }
}

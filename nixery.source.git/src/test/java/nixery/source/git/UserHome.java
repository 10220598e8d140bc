package nixery.source.git;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.eclipse.jgit.util.FS;
import org.eclipse.jgit.util.SystemReader;

/** Gives JGit another home of the user for the time of a test. */
record UserHome(Path folder, File before) implements AutoCloseable {

  /** Hides what the user who runs the tests has set for git and ssh. */
  private static final class CleanEnvironment extends SystemReader.Delegate {

    CleanEnvironment(SystemReader system) {
      super(system);
    }

    @Override
    public String getenv(String variable) {
      return variable.matches("(GIT|SSH|XDG)_.*") ? null : super.getenv(variable);
    }
  }

  static UserHome in(Path folder) throws IOException {
    Files.createDirectories(folder.resolve(".ssh"));
    UserHome home = new UserHome(folder, FS.DETECTED.userHome());
    FS.DETECTED.setUserHome(folder.toFile());
    reread();
    return home;
  }

  /** Writes a file that only the user can read. */
  UserHome write(String file, String content) throws IOException {
    Path path = folder.resolve(file);
    Files.writeString(path, content);
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
    reread();
    return this;
  }

  private static void reread() {
    SystemReader.setInstance(null);
    SystemReader.setInstance(new CleanEnvironment(SystemReader.getInstance()));
    UserSystemReader.install();
  }

  @Override
  public void close() {
    FS.DETECTED.setUserHome(before);
    reread();
  }
}

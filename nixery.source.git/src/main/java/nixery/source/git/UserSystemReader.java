package nixery.source.git;

import org.eclipse.jgit.lib.Config;
import org.eclipse.jgit.storage.file.FileBasedConfig;
import org.eclipse.jgit.util.FS;
import org.eclipse.jgit.util.SystemReader;

/**
 * What JGit sees of the system: the user's git configuration, but no configuration of JGit's own,
 * which it would otherwise write into the user's home whenever it measured a disk.
 */
final class UserSystemReader extends SystemReader.Delegate {

  private UserSystemReader(SystemReader system) {
    super(system);
  }

  /** Lets JGit use this, if it does not yet. */
  static synchronized void install() {
    if (!(SystemReader.getInstance() instanceof UserSystemReader)) {
      SystemReader.setInstance(new UserSystemReader(SystemReader.getInstance()));
    }
  }

  @Override
  public String getProperty(String key) {
    // As git does, and unlike Java.
    String home = key.equals("user.home") ? getenv("HOME") : null;
    return home == null || home.isEmpty() ? super.getProperty(key) : home;
  }

  @Override
  public FileBasedConfig openJGitConfig(Config parent, FS fs) {
    return new FileBasedConfig(parent, null, fs) {
      @Override
      public void load() {
        // There is no file.
      }

      @Override
      public void save() {
        // There is no file.
      }

      @Override
      public boolean isOutdated() {
        return false;
      }
    };
  }
}

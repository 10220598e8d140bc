package nixery.source.git;

import java.util.concurrent.TimeUnit;
import org.eclipse.jgit.lib.Config;
import org.eclipse.jgit.lib.DefaultTypedConfigGetter;
import org.eclipse.jgit.util.FS.FileStoreAttributes;
import org.eclipse.jgit.util.SystemReader;

/** What JGit sees of the system: the home of the user is where git finds it. */
final class UserSystemReader extends SystemReader.Delegate {

  private UserSystemReader(SystemReader system) {
    super(system);
  }

  /** Lets JGit use this, if it does not yet. */
  static synchronized void install() {
    if (!(SystemReader.getInstance() instanceof UserSystemReader)) {
      SystemReader.setInstance(new UserSystemReader(SystemReader.getInstance()));
      Config.setTypedConfigGetter(new Unmeasured());
    }
  }

  @Override
  public String getProperty(String key) {
    // As git does, and unlike Java.
    String home = key.equals("user.home") ? getenv("HOME") : null;
    return home == null || home.isEmpty() ? super.getProperty(key) : home;
  }

  /**
   * Says that the resolution of each disk's timestamps was measured already, and found bad. JGit
   * would measure it for seconds, write the result into the user's home, and gain little here.
   */
  private static final class Unmeasured extends DefaultTypedConfigGetter {

    @Override
    public Long getTimeUnit(
        Config config,
        String section,
        String subsection,
        String name,
        Long defaultValue,
        TimeUnit unit) {
      return section.equals("filesystem")
          ? Long.valueOf(unit.convert(FileStoreAttributes.FALLBACK_TIMESTAMP_RESOLUTION))
          : super.getTimeUnit(config, section, subsection, name, defaultValue, unit);
    }
  }
}

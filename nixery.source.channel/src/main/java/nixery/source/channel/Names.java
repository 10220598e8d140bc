package nixery.source.channel;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** Checks the names that an archive gives to what is in it. They are hostile until checked. */
final class Names {

  /** The longest name of one file, in bytes: what Linux allows. */
  private static final int MAX_COMPONENT = 255;

  /** The longest path, in bytes; Linux allows that much from the root on. */
  private static final int MAX_PATH = 2048;

  private static final Pattern CONTROL = Pattern.compile("\\p{Cntrl}");

  private Names() {}

  /** Returns a name as it may be shown: short, and without control characters. */
  static String show(String name) {
    String shown = CONTROL.matcher(name).replaceAll("?");
    return shown.length() > 200 ? shown.substring(0, 200) + "…" : shown;
  }

  /**
   * Splits the name of an entry.
   *
   * @param name a relative path
   * @return its components without {@code .}; none if it means the root of the archive
   * @throws CorruptTarballException if it is absolute, leads upwards or is too long
   */
  static List<String> components(String name) throws CorruptTarballException {
    List<String> components = new ArrayList<>();
    if (name.isEmpty() || name.startsWith("/")) {
      throw new CorruptTarballException("holds the absolute or empty name '" + show(name) + "'");
    }
    checkLength(name, MAX_PATH);
    for (String component : name.split("/", -1)) {
      switch (component) {
        case "", "." -> {
          // says nothing
        }
        case ".." ->
            throw new CorruptTarballException(
                "holds the name '" + show(name) + "', which leads out of it");
        default -> {
          checkLength(component, MAX_COMPONENT);
          components.add(component);
        }
      }
    }
    return components;
  }

  /**
   * Checks that a symbolic link stays in the archive's tree, whatever other links there are. It
   * does if it first goes up no further than to the top, through folders that are no links, and
   * then only down: every link on the way down has been checked in the same way.
   *
   * @param link for messages
   * @param target what the link points to
   * @param depth how many folders there are between the top folder and the link
   * @throws CorruptTarballException if the target is absolute, leads out or might lead out
   */
  static void checkTarget(String link, String target, int depth) throws CorruptTarballException {
    boolean down = false;
    int up = 0;
    boolean safe = !target.isEmpty() && !target.startsWith("/");
    checkLength(target, MAX_PATH);
    for (String component : target.split("/", -1)) {
      switch (component) {
        case "", "." -> {
          // says nothing
        }
        case ".." -> {
          up++;
          safe &= !down && up <= depth;
        }
        default -> {
          down = true;
          checkLength(component, MAX_COMPONENT);
        }
      }
    }
    if (!safe) {
      throw new CorruptTarballException(
          "holds the link '%s' to '%s', which may lead out of it"
              .formatted(show(link), show(target)));
    }
  }

  private static void checkLength(String name, int most) throws CorruptTarballException {
    if (name.indexOf('\0') >= 0) {
      throw new CorruptTarballException("holds the name '" + show(name) + "' with a zero byte");
    }
    if (name.length() > most || name.getBytes(StandardCharsets.UTF_8).length > most) {
      throw new CorruptTarballException("holds the overlong name '" + show(name) + "'");
    }
  }
}

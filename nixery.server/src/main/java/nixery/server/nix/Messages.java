package nixery.server.nix;

import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/** Prepares what Nix says for people who are elsewhere. */
final class Messages {

  /** The most characters that a message has. */
  static final int MAX_MESSAGE = 4096;

  private static final Pattern ANSI =
      Pattern.compile("\u001b(\\[[0-9;:?]*[ -/]*[@-~]|[@-Z\\\\-_])");
  private static final Pattern CONTROL = Pattern.compile("[\\p{Cntrl}&&[^\n\t]]");
  private static final Pattern STORE_HASH =
      Pattern.compile("/nix/store/[0-9a-df-np-sv-z]{32}-(?=[0-9A-Za-z+._?=-])");

  private Messages() {}

  /**
   * Removes colours and control characters.
   *
   * @param text what a program wrote for a terminal
   * @return plain text
   */
  static String plain(String text) {
    return CONTROL.matcher(ANSI.matcher(text).replaceAll("")).replaceAll("");
  }

  /**
   * Makes a message plain, short, and free of this machine's paths: those below the folders become
   * relative, store paths become names.
   *
   * @param text what Nix wrote
   * @param folders absolute paths, longest first
   * @return a message of {@link #MAX_MESSAGE} characters at most
   */
  static String forClient(String text, List<Path> folders) {
    String plain = plain(text.substring(0, Math.min(text.length(), 16 * MAX_MESSAGE)));
    String message = withoutPaths(plain, folders).strip();
    return message.length() <= MAX_MESSAGE ? message : message.substring(0, MAX_MESSAGE - 1) + "…";
  }

  /**
   * Frees a text of this machine's paths: those below the folders become relative, store paths
   * become names.
   *
   * @param text plain text
   * @param folders absolute paths, longest first
   * @return the text without them
   */
  static String withoutPaths(String text, List<Path> folders) {
    String message = text;
    for (Path folder : folders) {
      if (folder.getNameCount() > 0) {
        message = message.replace(folder + "/", "");
        message = message.replaceAll(Pattern.quote(folder.toString()) + "(?![\\w.+-])", ".");
      }
    }
    return STORE_HASH.matcher(message).replaceAll("");
  }
}

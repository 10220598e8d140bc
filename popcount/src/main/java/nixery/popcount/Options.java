package nixery.popcount;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What the command was told to do.
 *
 * @param channel the channel to count; if there is none, the local store is counted
 * @param channels where channels are published
 * @param cache the binary cache
 * @param folder for what was fetched
 * @param parallel how many narinfos to fetch at the same time
 * @param output the file to write; standard output if there is none
 */
record Options(
    Optional<String> channel,
    URI channels,
    URI cache,
    Path folder,
    int parallel,
    Optional<Path> output) {

  static final String HELP =
      """
      Counts how many packages of a channel refer to each package, and writes that as JSON.

      popcount --channel NAME [OPTION…]
      popcount --store [OPTION…]

        --channel NAME       count a channel, such as nixos-unstable
        --store              count the local Nix store instead, with nix-store from the PATH
        --output FILE        write to this file once all is counted, not to standard output
        --channel-url URL    where channels are published (https://channels.nixos.org)
        --cache-url URL      the binary cache with the narinfos (https://cache.nixos.org)
        --cache FOLDER       for what was fetched, so that it is fetched once only
                             (nixery/popcount in $XDG_CACHE_HOME or ~/.cache)
        --parallel N         how many narinfos to fetch at the same time, 1 to 256 (32)
        --help, --version    print this, or the version

      The exit status is 0 if all is well, 1 if it cannot be counted, 2 if the arguments are wrong,
      and 3 if some narinfos could not be fetched: then the result is without them, and the next run
      asks for them again.
      """;

  private static final String CHANNEL = "--channel";
  private static final String STORE = "--store";
  private static final String OUTPUT = "--output";
  private static final String CHANNEL_URL = "--channel-url";
  private static final String CACHE_URL = "--cache-url";
  private static final String CACHE = "--cache";
  private static final String PARALLEL = "--parallel";

  private static final Set<String> WITH_VALUE =
      Set.of(CHANNEL, OUTPUT, CHANNEL_URL, CACHE_URL, CACHE, PARALLEL);

  private static final int MOST_PARALLEL = 256;

  /** Says in one sentence what is wrong with the arguments. */
  static final class UsageException extends Exception {

    private static final long serialVersionUID = 1;

    UsageException(String message) {
      super(message);
    }
  }

  /**
   * Reads arguments.
   *
   * @param arguments of the command
   * @param environment its variables
   * @throws UsageException if they make no sense
   */
  static Options parse(List<String> arguments, Map<String, String> environment)
      throws UsageException {
    Map<String, String> values = values(arguments);
    Optional<String> channel = Optional.ofNullable(values.get(CHANNEL));
    if (channel.isPresent() == values.containsKey(STORE)) {
      throw new UsageException("Say either --channel NAME or --store; see --help.");
    }
    if (channel.isPresent() && !Release.CHANNEL.matcher(channel.get()).matches()) {
      throw new UsageException("A channel cannot have the name '" + channel.get() + "'.");
    }
    Optional<String> output = Optional.ofNullable(values.get(OUTPUT));
    return new Options(
        channel,
        url(CHANNEL_URL, values.getOrDefault(CHANNEL_URL, "https://channels.nixos.org")),
        url(CACHE_URL, values.getOrDefault(CACHE_URL, "https://cache.nixos.org")),
        values.containsKey(CACHE) ? path(CACHE, values.get(CACHE)) : usualFolder(environment),
        number(values.getOrDefault(PARALLEL, "32")),
        output.isPresent() ? Optional.of(path(OUTPUT, output.get())) : Optional.empty());
  }

  /** Both {@code --name value} and {@code --name=value} will do. */
  private static Map<String, String> values(List<String> arguments) throws UsageException {
    Map<String, String> values = new HashMap<>();
    Iterator<String> left = arguments.iterator();
    while (left.hasNext()) {
      String argument = left.next();
      String[] parts = argument.split("=", 2);
      String name = parts[0];
      String value;
      if (argument.equals(STORE)) {
        value = "";
      } else if (!WITH_VALUE.contains(name)) {
        throw new UsageException("Unknown argument '" + argument + "': try --help.");
      } else if (parts.length == 2) {
        value = parts[1];
      } else if (left.hasNext()) {
        value = left.next();
      } else {
        throw new UsageException(name + " needs a value: try --help.");
      }
      if (values.put(name, value) != null) {
        throw new UsageException(name + " is there twice.");
      }
    }
    return values;
  }

  private static URI url(String name, String text) throws UsageException {
    try {
      URI uri = new URI(text);
      if (Http.isHttp(uri)
          && uri.getRawUserInfo() == null
          && uri.getRawQuery() == null
          && uri.getRawFragment() == null) {
        return uri;
      }
    } catch (URISyntaxException e) {
      throw malformed(name);
    }
    throw malformed(name);
  }

  /** The value may hold a password. */
  private static UsageException malformed(String name) {
    return new UsageException(
        name + " must be an address that starts with http:// or https://, without user and query.");
  }

  private static Path path(String name, String text) throws UsageException {
    try {
      if (!text.isEmpty()) {
        return Path.of(text).toAbsolutePath().normalize();
      }
    } catch (InvalidPathException e) {
      throw new UsageException(name + " must be a path.");
    }
    throw new UsageException(name + " must be a path.");
  }

  private static int number(String text) throws UsageException {
    if (text.matches("[0-9]{1,3}")) {
      int number = Integer.parseInt(text);
      if (number >= 1 && number <= MOST_PARALLEL) {
        return number;
      }
    }
    throw new UsageException(
        "--parallel must be a whole number from 1 to %d, not '%s'.".formatted(MOST_PARALLEL, text));
  }

  private static Path usualFolder(Map<String, String> environment) throws UsageException {
    String xdg = environment.getOrDefault("XDG_CACHE_HOME", "");
    Path caches =
        xdg.isEmpty()
            ? Path.of(System.getProperty("user.home"), ".cache")
            : path("XDG_CACHE_HOME", xdg);
    return caches.resolve("nixery").resolve("popcount");
  }
}

package nixery.source.channel;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import nixery.api.ConfigurationException;
import nixery.api.Plugin;
import nixery.api.PluginContext;
import nixery.api.Setting;
import nixery.api.Settings;
import nixery.api.source.PackageSource;
import nixery.api.source.PackageSourceProvider;

/** Opens the package source that is a nixpkgs channel or commit. */
public final class ChannelSourceProvider implements PackageSourceProvider {

  static final Setting<String> CHANNEL =
      Setting.text(
              "NIXERY_CHANNEL",
              "the nixpkgs channel to serve, such as nixos-unstable or nixos-25.11, or a full commit"
                  + " of nixpkgs")
          .required();

  /** Secret, because it may hold credentials. */
  static final Setting<URI> CHANNEL_URL =
      Setting.url("NIXERY_CHANNEL_URL", "where channels are published")
          .withDefault("https://channels.nixos.org")
          .secret();

  /** Secret, because it may hold credentials. */
  static final Setting<URI> ARCHIVE_URL =
      Setting.url(
              "NIXERY_NIXPKGS_ARCHIVE_URL",
              "where commits are published, each as COMMIT.tar.gz below this address")
          .withDefault("https://github.com/NixOS/nixpkgs/archive")
          .secret();

  static final Setting<Duration> REFRESH =
      Setting.seconds("NIXERY_CHANNEL_REFRESH", "how long to rely on what a channel points to")
          .withDefault("300");

  static final Setting<Duration> TIMEOUT =
      Setting.seconds("NIXERY_CHANNEL_TIMEOUT", "how long downloading a revision may take")
          .withDefault("1800");

  static final Setting<Integer> REVISIONS =
      Setting.number(
              "NIXERY_CHANNEL_REVISIONS", "how many revisions to keep unpacked on disk", 1, 1000)
          .withDefault("4");

  static final Setting<Duration> MAX_AGE =
      Setting.seconds(
              "NIXERY_CHANNEL_MAX_AGE", "how long to keep an unpacked revision after its last use")
          .withDefault("604800");

  /** Creates one, as {@link java.util.ServiceLoader} does. */
  public ChannelSourceProvider() {}

  @Override
  public int apiVersion() {
    return Plugin.API_VERSION;
  }

  @Override
  public String name() {
    return "channel";
  }

  @Override
  public List<Setting<?>> settings() {
    return List.of(CHANNEL, CHANNEL_URL, ARCHIVE_URL, REFRESH, TIMEOUT, REVISIONS, MAX_AGE);
  }

  @Override
  public Setting<?> selector() {
    return CHANNEL;
  }

  @Override
  public PackageSource open(PluginContext context) {
    Settings settings = context.settings();
    String text = settings.get(CHANNEL);
    Reference reference =
        Reference.of(text)
            .filter(parsed -> !text.equals(ChannelSource.LATEST))
            .orElseThrow(() ->
                new ConfigurationException(
                    "NIXERY_CHANNEL must be the name of a channel, such as nixos-unstable, or a"
                        + " commit of 40 hexadecimal digits. '"
                        + text
                        + "' is neither."));
    return ChannelSource.open(
        reference,
        base(settings, CHANNEL_URL),
        base(settings, ARCHIVE_URL),
        new ChannelSource.Options(
            settings.get(REFRESH),
            Http.Deadlines.within(settings.get(TIMEOUT)),
            Tarball.Limits.NIXPKGS,
            settings.get(REVISIONS),
            settings.get(MAX_AGE)),
        context.cacheFolder());
  }

  private static BaseUrl base(Settings settings, Setting<URI> setting) {
    URI uri = settings.get(setting);
    if (uri.getRawQuery() != null || uri.getRawFragment() != null) {
      throw new ConfigurationException(
          setting.name() + " must be an address without '?' and '#', to which names are appended.");
    }
    return BaseUrl.of(uri);
  }
}

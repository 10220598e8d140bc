package nixery.source.git;

import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import nixery.api.ConfigurationException;
import nixery.api.Plugin;
import nixery.api.PluginContext;
import nixery.api.Setting;
import nixery.api.source.PackageSource;
import nixery.api.source.PackageSourceProvider;

/**
 * Opens a git repository as a package source.
 *
 * <p>The tag of an image is a git tag, a branch, or a commit with all its 40 digits. A name that is
 * both tag and branch is the tag, as <a href="https://git-scm.com/docs/gitrevisions">gitrevisions
 * </a> has it. {@code latest} is the remote's {@code HEAD}, whatever else is called {@code latest}.
 * Image tags have no slashes, so branches such as {@code feature/x} can be named by their commit
 * only, or by a git tag.
 *
 * <p>Some hosts serve the commits of every fork under the address of the repository that was forked
 * (GitHub does). There, whoever may pull images may have the server evaluate any commit of any
 * fork, unless {@code NIXERY_GIT_COMMITS} is {@code false}. What is evaluated can read every file
 * that the server's user can read.
 *
 * <p>Credentials are the user's own: {@code ~/.ssh/config}, {@code known_hosts}, the usual keys, an
 * SSH agent ({@code SSH_AUTH_SOCK} or {@code IdentityAgent}), {@code ~/.netrc}, {@code git
 * credential} helpers if git is on the {@code PATH}, and user and password in the address. Of
 * {@code ~/.gitconfig}, {@code url.*.insteadOf}, {@code http.extraHeader}, {@code http.sslCAInfo}
 * and {@code http.cookieFile} are respected. An unknown host key is refused unless {@code
 * ~/.ssh/config} says otherwise for that host.
 *
 * <p>Files are as {@code git clone --recurse-submodules} with {@code core.autocrlf=false} would
 * have them, without {@code .git}. Filters, such as Git LFS's, are not run: their pointer files
 * stay as they are; {@code ident} and {@code working-tree-encoding} do nothing.
 */
public final class GitSourceProvider implements PackageSourceProvider {

  /** Secret, because it may hold credentials. */
  static final Setting<String> REPOSITORY =
      Setting.text(
              "NIXERY_PKGS_REPO",
              "git repository with package sets, as an https, http, ssh or file address, a path, or"
                  + " host:path")
          .secret();

  static final Setting<Duration> TIMEOUT =
      Setting.seconds(
              "NIXERY_GIT_TIMEOUT",
              "how long the git server may stay silent, and how long looking up a tag may take")
          .withDefault("30");

  static final Setting<Duration> FETCH_TIMEOUT =
      Setting.seconds("NIXERY_GIT_FETCH_TIMEOUT", "how long fetching a commit may take")
          .withDefault("900");

  static final Setting<Duration> REFRESH =
      Setting.seconds(
              "NIXERY_GIT_REFRESH",
              "how long to rely on what a tag or branch points to; while it is in use, it is looked"
                  + " up that often in the background")
          .withDefault("10");

  static final Setting<Boolean> COMMITS =
      Setting.flag(
              "NIXERY_GIT_COMMITS",
              "whether full commits are accepted as tags; on hosts that mix the commits of forks"
                  + " into the repository, this lets anyone choose what is evaluated, which can"
                  + " read every file that the server can")
          .withDefault("true");

  static final Setting<Integer> KEEP_EXPORTS =
      Setting.number("NIXERY_GIT_KEEP_EXPORTS", "how many commits are kept on disk", 1, 10_000)
          .withDefault("10");

  static final Setting<Integer> KEEP_DAYS =
      Setting.number(
              "NIXERY_GIT_KEEP_DAYS",
              "how many days a commit is kept on disk after its last use",
              1,
              3650)
          .withDefault("30");

  /** For {@link java.util.ServiceLoader}. */
  public GitSourceProvider() {}

  @Override
  public int apiVersion() {
    return Plugin.API_VERSION;
  }

  @Override
  public String name() {
    return "git";
  }

  @Override
  public Setting<?> selector() {
    return REPOSITORY;
  }

  @Override
  public List<Setting<?>> settings() {
    return List.of(REPOSITORY, TIMEOUT, FETCH_TIMEOUT, REFRESH, COMMITS, KEEP_EXPORTS, KEEP_DAYS);
  }

  @Override
  public PackageSource open(PluginContext context) {
    String text =
        context
            .settings()
            .find(REPOSITORY)
            .orElseThrow(() -> new ConfigurationException(REPOSITORY + " is not set."));
    RepositoryAddress address;
    try {
      address = RepositoryAddress.parse(text);
    } catch (IllegalArgumentException e) {
      throw new ConfigurationException(REPOSITORY + ": " + e.getMessage());
    }
    GitSource.Options options =
        new GitSource.Options(
            context.settings().get(TIMEOUT),
            context.settings().get(FETCH_TIMEOUT),
            context.settings().get(REFRESH),
            context.settings().get(COMMITS),
            context.settings().get(KEEP_EXPORTS),
            Duration.ofDays(context.settings().get(KEEP_DAYS)));
    try {
      return GitSource.open(address, options, Files.createDirectories(context.cacheFolder()));
    } catch (IOException e) {
      throw new ConfigurationException(
          "The cache folder %s cannot be written (%s): make it writable."
              .formatted(context.cacheFolder(), e),
          e);
    }
  }
}

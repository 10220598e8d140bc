package nixery.source.git;

import java.io.IOException;
import java.io.InputStream;
import java.io.Writer;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.eclipse.jgit.transport.CredentialItem;
import org.eclipse.jgit.transport.CredentialsProvider;
import org.eclipse.jgit.transport.NetRCCredentialsProvider;
import org.eclipse.jgit.transport.URIish;
import org.eclipse.jgit.util.FS;

/**
 * Finds user and password for one connection without asking anybody: in the address of the
 * repository, in {@code ~/.netrc}, from {@code git credential fill}, one after the other until the
 * server accepts them. Those in the address are given to its own host only.
 */
final class UserCredentials extends CredentialsProvider {

  private static final Logger LOG = System.getLogger(UserCredentials.class.getName());

  private static final int LONGEST_ANSWER = 64 * 1024;

  private record Login(String user, String password) {}

  private final RepositoryAddress address;
  private final Secrets secrets;
  private final Duration timeout;
  private URIish asked;
  private Deque<Supplier<Optional<Login>>> untried = new ArrayDeque<>();

  UserCredentials(RepositoryAddress address, Secrets secrets, Duration timeout) {
    this.address = address;
    this.secrets = secrets;
    this.timeout = timeout;
  }

  /** Only where a password for ssh is in the address is there an answer to prompts. */
  @Override
  public boolean isInteractive() {
    return address.kind() == RepositoryAddress.Kind.SSH && address.password().isPresent();
  }

  @Override
  public boolean supports(CredentialItem... items) {
    for (CredentialItem item : items) {
      if (!(item instanceof CredentialItem.Username || item instanceof CredentialItem.Password)) {
        return false;
      }
    }
    return true;
  }

  /** Answers a request for user, password or both; never a question such as whether to trust. */
  @Override
  public boolean get(URIish uri, CredentialItem... items) {
    CredentialItem.Username user = null;
    CredentialItem.Password password = null;
    for (CredentialItem item : items) {
      switch (item) {
        case CredentialItem.Username found -> user = found;
        case CredentialItem.Password found -> password = found;
        case CredentialItem.InformationalMessage message -> {}
        default -> {
          return false;
        }
      }
    }
    if (user == null && password == null) {
      return false;
    }
    Optional<Login> login = next(uri);
    if (login.isEmpty()) {
      return false;
    }
    secrets.add(login.get().password());
    if (user != null) {
      user.setValue(login.get().user());
    }
    if (password != null) {
      password.setValue(login.get().password().toCharArray());
    }
    return true;
  }

  private Optional<Login> next(URIish uri) {
    if (hasControlCharacters(uri)) {
      LOG.log(Level.WARNING, "{0} led to an address with control characters", address);
      return Optional.empty();
    }
    if (!uri.equals(asked)) {
      asked = uri;
      untried = new ArrayDeque<>();
      if (isOwn(uri) && address.password().isPresent()) {
        untried.add(
            () -> address.password().map(word -> new Login(address.user().orElse(""), word)));
      }
      if (address.kind() == RepositoryAddress.Kind.HTTP) {
        untried.add(() -> fromNetrc(uri));
        untried.add(() -> fromHelper(uri));
        if (isOwn(uri) && address.password().isEmpty()) {
          // A lone user for whom nobody has a password is a token.
          untried.add(() -> address.user().map(token -> new Login(token, "")));
        }
      }
    }
    while (!untried.isEmpty()) {
      Optional<Login> login = untried.remove().get();
      if (login.isPresent()) {
        return login;
      }
    }
    return Optional.empty();
  }

  /**
   * Tells whether an address, which a server may have chosen by a redirect, could pass for several
   * lines of what {@code git credential} is asked.
   */
  private boolean hasControlCharacters(URIish uri) {
    return Stream.of(
            Optional.ofNullable(uri.getScheme()),
            Optional.ofNullable(uri.getHost()),
            Optional.ofNullable(uri.getPath()),
            Optional.ofNullable(uri.getUser()),
            address.user())
        .flatMap(Optional::stream)
        .flatMapToInt(String::chars)
        .anyMatch(Character::isISOControl);
  }

  private boolean isOwn(URIish uri) {
    URIish own = address.withoutCredentials();
    return own.getHost().equalsIgnoreCase(uri.getHost())
        && (address.kind() == RepositoryAddress.Kind.SSH
            || (own.getPort() == uri.getPort() && own.getScheme().equals(uri.getScheme())));
  }

  private static Optional<Login> fromNetrc(URIish uri) {
    CredentialItem.Username user = new CredentialItem.Username();
    CredentialItem.Password password = new CredentialItem.Password();
    return new NetRCCredentialsProvider().get(uri, user, password)
        ? Optional.of(new Login(user.getValue(), new String(password.getValue())))
        : Optional.empty();
  }

  /** Runs {@code git credential fill}, see gitcredentials(7) and git-credential(1). */
  private Optional<Login> fromHelper(URIish uri) {
    ProcessBuilder builder =
        new ProcessBuilder("git", "credential", "fill")
            .directory(FS.DETECTED.userHome())
            .redirectError(ProcessBuilder.Redirect.DISCARD);
    Map<String, String> environment = builder.environment();
    environment.remove(GitSourceProvider.REPOSITORY.name());
    environment.put("HOME", FS.DETECTED.userHome().getPath());
    // Nobody is there to be asked.
    environment.put("GIT_TERMINAL_PROMPT", "0");
    environment.put("GIT_ASKPASS", "");
    environment.put("GCM_INTERACTIVE", "never");
    StringBuilder request = new StringBuilder();
    request.append("protocol=").append(uri.getScheme()).append('\n');
    request.append("host=").append(uri.getHost());
    if (uri.getPort() > 0) {
      request.append(':').append(uri.getPort());
    }
    request.append("\npath=").append(uri.getPath().replaceFirst("^/", "")).append('\n');
    address.user().ifPresent(user -> request.append("username=").append(user).append('\n'));
    Process process;
    try {
      process = builder.start();
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "git is not installed, so its credential helpers are not asked", e);
      return Optional.empty();
    }
    try (Writer in = process.outputWriter(StandardCharsets.UTF_8)) {
      FutureTask<String> answer = new FutureTask<>(() -> read(process.getInputStream()));
      Thread.ofVirtual().name("git credential").start(answer);
      in.append(request).append('\n').close();
      if (process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS) && process.exitValue() == 0) {
        return parse(answer.get());
      }
      LOG.log(Level.DEBUG, "git credential fill has nothing for {0}", address);
    } catch (IOException | ExecutionException e) {
      LOG.log(Level.WARNING, "git credential fill for " + address + " failed", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
    return Optional.empty();
  }

  private static String read(InputStream answer) throws IOException {
    try (answer) {
      return new String(answer.readNBytes(LONGEST_ANSWER), StandardCharsets.UTF_8);
    }
  }

  private static Optional<Login> parse(String answer) {
    Map<String, String> values = new HashMap<>();
    answer
        .lines()
        .map(line -> line.split("=", 2))
        .filter(pair -> pair.length == 2)
        .forEach(pair -> values.put(pair[0], pair[1]));
    return values.containsKey("username") && values.containsKey("password")
        ? Optional.of(new Login(values.get("username"), values.get("password")))
        : Optional.empty();
  }
}

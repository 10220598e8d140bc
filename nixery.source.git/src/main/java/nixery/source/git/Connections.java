package nixery.source.git;

import java.io.EOFException;
import java.io.File;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;
import nixery.api.source.SourceUnavailableException;
import org.apache.sshd.common.SshConstants;
import org.apache.sshd.common.SshException;
import org.eclipse.jgit.errors.ConfigInvalidException;
import org.eclipse.jgit.errors.NoRemoteRepositoryException;
import org.eclipse.jgit.errors.TransportException;
import org.eclipse.jgit.internal.JGitText;
import org.eclipse.jgit.lib.Repository;
import org.eclipse.jgit.transport.SshTransport;
import org.eclipse.jgit.transport.Transport;
import org.eclipse.jgit.transport.TransportHttp;
import org.eclipse.jgit.transport.UrlConfig;
import org.eclipse.jgit.transport.sshd.JGitKeyCache;
import org.eclipse.jgit.transport.sshd.SshdSessionFactory;
import org.eclipse.jgit.transport.sshd.SshdSessionFactoryBuilder;
import org.eclipse.jgit.util.FS;
import org.eclipse.jgit.util.SystemReader;

/**
 * Connects to git servers with the user's credentials, and says in a sentence for the operator why
 * that failed. Thread-safe.
 */
final class Connections implements AutoCloseable {

  /**
   * What git and JGit answer to those who want a commit that they do not give out, and what JGit
   * says when a server of the first version of the protocol did so while commits were compared.
   */
  private static final Pattern REFUSAL =
      Pattern.compile(
          "not our ref|want [0-9a-f]{40} not valid|"
              + Pattern.quote(
                  JGitText.get().startingReadStageWithoutWrittenRequestDataPendingIsNotSupported));

  private final Duration timeout;
  private final Secrets secrets = new Secrets();
  private final SshdSessionFactory ssh =
      new SshdSessionFactoryBuilder()
          .setHomeDirectory(FS.DETECTED.userHome())
          .setSshDirectory(new File(FS.DETECTED.userHome(), ".ssh"))
          .setConnectorFactory(new AgentSocket.Factory())
          .build(new JGitKeyCache());
  private final TrustedConnectionFactory http = new TrustedConnectionFactory();

  /**
   * Makes one.
   *
   * @param timeout how long a server may stay silent
   */
  Connections(Duration timeout) {
    this.timeout = timeout;
  }

  /**
   * Applies the user's {@code url.*.insteadOf}, see git-config(1).
   *
   * @param address of a repository
   * @return where to connect to
   */
  RepositoryAddress rewrite(RepositoryAddress address) {
    address.secrets().forEach(secrets::add);
    try {
      UrlConfig config = new UrlConfig(SystemReader.getInstance().getUserConfig());
      RepositoryAddress rewritten = address.rewrite(config::replace);
      rewritten.secrets().forEach(secrets::add);
      return rewritten;
    } catch (IllegalArgumentException e) {
      throw new SourceUnavailableException(
          "The user's git configuration turns %s into something else: %s"
              .formatted(address, e.getMessage()));
    } catch (IOException | ConfigInvalidException e) {
      throw new SourceUnavailableException(
          "The user's git configuration cannot be read: " + secrets.hide(e.toString()),
          secrets.hide(e));
    }
  }

  /** Prepares a connection for listing refs. */
  Transport open(RepositoryAddress address) throws IOException {
    return configure(Transport.open(address.withoutCredentials()), address);
  }

  /** Prepares a connection for fetching into a repository. */
  Transport open(Repository target, RepositoryAddress address) throws IOException {
    return configure(Transport.open(target, address.withoutCredentials()), address);
  }

  private Transport configure(Transport transport, RepositoryAddress address) {
    transport.setTimeout((int) timeout.toSeconds());
    transport.setCredentialsProvider(new UserCredentials(address, secrets, timeout));
    if (transport instanceof SshTransport overSsh) {
      overSsh.setSshSessionFactory(ssh);
    }
    if (transport instanceof TransportHttp overHttp) {
      overHttp.setHttpConnectionFactory(http);
    }
    return transport;
  }

  /** Says why a repository cannot be reached. */
  SourceUnavailableException unavailable(RepositoryAddress address, Throwable failure) {
    return new SourceUnavailableException(
        secrets.hide(explain(address, failure)), secrets.hide(failure));
  }

  /** Tells whether the server said that it does not give out what it was asked for. */
  static boolean isRefusal(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (REFUSAL.matcher(String.valueOf(cause.getMessage())).find()) {
        return true;
      }
    }
    return false;
  }

  private String explain(RepositoryAddress address, Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      Optional<String> reason = explainCause(address, cause);
      if (reason.isPresent()) {
        return reason.get();
      }
    }
    return "%s cannot be read: %s".formatted(address, failure.getMessage());
  }

  private Optional<String> explainCause(RepositoryAddress address, Throwable cause) {
    String message = String.valueOf(cause.getMessage());
    return Optional.ofNullable(
        switch (cause) {
          case UnknownHostException e -> unknownHost(address);
          case UnresolvedAddressException e -> unknownHost(address);
          case ConnectException e -> "Nothing answers at %s: %s.".formatted(address, message);
          case NoRouteToHostException e -> "There is no way to %s: %s.".formatted(address, message);
          case SSLException e ->
              ("The TLS connection to %s failed (%s). If its certificate is signed by an authority"
                      + " of your own, name that in http.sslCAInfo of ~/.gitconfig.")
                  .formatted(address, message);
          case InterruptedIOException e -> silent(address);
          case TimeoutException e -> silent(address);
          case NoRemoteRepositoryException e ->
              "There is no repository at %s, or it is hidden from this user: %s."
                  .formatted(address, message);
          case SshException e
              when e.getDisconnectCode() == SshConstants.SSH2_DISCONNECT_HOST_KEY_NOT_VERIFIABLE ->
              ("The host key of %s is not in known_hosts, or is not the one there. Get it with"
                      + " ssh-keyscan, compare it with what the host publishes, and add it to"
                      + " ~/.ssh/known_hosts.")
                  .formatted(address.host());
          case SshException e
              when e.getDisconnectCode()
                  == SshConstants.SSH2_DISCONNECT_NO_MORE_AUTH_METHODS_AVAILABLE ->
              "%s accepts none of the keys in ~/.ssh and the SSH agent: %s."
                  .formatted(address, message);
          case TransportException e when isForbidden(message) ->
              ("%s wants other credentials: put them into the address, into ~/.netrc, or into a"
                      + " credential helper of git.")
                  .formatted(address);
          case EOFException e -> "The connection to %s was cut.".formatted(address);
          // How a virtual thread that waits for a socket learns that JGit's timer rang.
          case SocketException e when message.equals("Closed by interrupt") -> silent(address);
          case SocketException e -> "The connection to %s broke: %s.".formatted(address, message);
          default -> null;
        });
  }

  private static boolean isForbidden(String message) {
    JGitText texts = JGitText.get();
    return Stream.of(
            texts.notAuthorized,
            texts.noCredentialsProvider,
            texts.authenticationNotSupported,
            texts.serviceNotPermitted.replaceAll("\\{\\d}|''.*", "").strip())
        .anyMatch(message::contains);
  }

  private static String unknownHost(RepositoryAddress address) {
    return "The host %s is unknown: check the address %s and this machine's name resolution."
        .formatted(address.host(), address);
  }

  private String silent(RepositoryAddress address) {
    return "%s was silent for more than %d seconds (%s)."
        .formatted(address, timeout.toSeconds(), GitSourceProvider.TIMEOUT);
  }

  @Override
  public void close() {
    ssh.close();
  }
}

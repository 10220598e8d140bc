package nixery.source.git;

import java.io.EOFException;
import java.io.File;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.eclipse.jgit.transport.sshd.agent.AbstractConnector;
import org.eclipse.jgit.transport.sshd.agent.Connector;
import org.eclipse.jgit.transport.sshd.agent.ConnectorFactory;
import org.eclipse.jgit.util.SystemReader;

/**
 * Talks to the user's SSH agent through its socket, with the JDK's own means. (JGit's module for
 * this needs JNA.) The messages are those of the SSH agent protocol, RFC draft-ietf-sshm-ssh-agent:
 * four bytes of length, one of type, the content.
 */
final class AgentSocket extends AbstractConnector {

  private static final Logger LOG = System.getLogger(AgentSocket.class.getName());

  private static final String VARIABLE = "SSH_AUTH_SOCK";

  private final Optional<Path> path;
  private SocketChannel channel;

  private AgentSocket(Optional<Path> path) {
    this.path = path;
  }

  /** Finds the agent as ssh does: the {@code IdentityAgent} of the host, or the variable's. */
  static final class Factory implements ConnectorFactory {

    private static final ConnectorDescriptor DESCRIPTOR =
        new ConnectorDescriptor() {
          @Override
          public String getIdentityAgent() {
            return VARIABLE;
          }

          @Override
          public String getDisplayName() {
            return VARIABLE;
          }
        };

    @Override
    public Connector create(String identityAgent, File home) {
      String name = identityAgent == null ? VARIABLE : identityAgent;
      if (name.equals(VARIABLE)) {
        name = "$" + VARIABLE;
      }
      if (name.startsWith("$")) {
        String variable = name.substring(1).replaceAll("^\\{(.*)}$", "$1");
        name = SystemReader.getInstance().getenv(variable);
      }
      if (name == null || name.isEmpty()) {
        return new AgentSocket(Optional.empty());
      }
      String expanded = name.startsWith("~/") ? home + name.substring(1) : name;
      return new AgentSocket(Optional.of(Path.of(expanded)));
    }

    @Override
    public boolean isSupported() {
      return true;
    }

    @Override
    public String getName() {
      return "unix-socket";
    }

    @Override
    public Collection<ConnectorDescriptor> getSupportedConnectors() {
      return List.of(DESCRIPTOR);
    }

    @Override
    public ConnectorDescriptor getDefaultConnector() {
      return DESCRIPTOR;
    }
  }

  @Override
  public boolean connect() throws IOException {
    if (channel == null && path.isPresent()) {
      SocketChannel opened = SocketChannel.open(StandardProtocolFamily.UNIX);
      try {
        opened.connect(UnixDomainSocketAddress.of(path.get()));
      } catch (IOException e) {
        opened.close();
        // As ssh does, which then uses the keys in files.
        LOG.log(Level.DEBUG, "no SSH agent listens at " + path.get(), e);
        return false;
      }
      channel = opened;
    }
    return channel != null;
  }

  @Override
  public byte[] rpc(byte command, byte[] message) throws IOException {
    prepareMessage(command, message);
    ByteBuffer request = ByteBuffer.wrap(message);
    while (request.hasRemaining()) {
      channel.write(request);
    }
    byte[] length = new byte[4];
    read(length);
    byte[] answer = new byte[toLength(command, length)];
    read(answer);
    return answer;
  }

  private void read(byte[] bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer) < 0) {
        throw new EOFException("the SSH agent hung up");
      }
    }
  }

  @Override
  public void close() throws IOException {
    if (channel != null) {
      channel.close();
      channel = null;
    }
  }
}

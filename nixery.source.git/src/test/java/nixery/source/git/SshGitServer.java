package nixery.source.git;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A real OpenSSH server on loopback that lets in one key, as the user who runs the tests. */
final class SshGitServer implements AutoCloseable {

  private static final Path SSHD = Path.of("/usr/sbin/sshd");

  private final Process process;
  private final int port;
  private final String hostKey;

  private SshGitServer(Process process, int port, String hostKey) {
    this.process = process;
    this.port = port;
    this.hostKey = hostKey;
  }

  /** Makes a key pair without passphrase. */
  static void makeKey(Path file, String type) {
    Commands.run(file.getParent(), "ssh-keygen", "-q", "-t", type, "-N", "", "-f", file.toString());
  }

  static SshGitServer start(Path folder, Path publicKey) throws Exception {
    if (!Files.isExecutable(SSHD)) {
      throw new AssertionError(SSHD + " is missing: install openssh-server");
    }
    Files.createDirectories(folder);
    if (System.getProperty("user.name").equals("root")) {
      Files.createDirectories(Path.of("/run/sshd")); // It insists.
    }
    Path hostKey = folder.resolve("host_key");
    makeKey(hostKey, "ed25519");
    int port = freePort();
    Path config = folder.resolve("sshd_config");
    Files.writeString(
        config,
        """
        ListenAddress 127.0.0.1
        Port %d
        HostKey %s
        AuthorizedKeysFile %s
        PidFile none
        StrictModes no
        UsePAM no
        PasswordAuthentication no
        PermitRootLogin yes
        AcceptEnv GIT_PROTOCOL
        """
            .formatted(port, hostKey, publicKey));
    Process process =
        Commands.builder(folder, List.of(SSHD.toString(), "-D", "-e", "-f", config.toString()))
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("log").toFile())
            .start();
    SshGitServer server =
        new SshGitServer(process, port, Files.readString(folder.resolve("host_key.pub")));
    server.awaitStart(folder);
    return server;
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private void awaitStart(Path folder) throws Exception {
    for (int i = 0; i < 600; i++) {
      try (Socket socket = new Socket()) {
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        return;
      } catch (IOException e) {
        if (!process.isAlive()) {
          throw new AssertionError(Files.readString(folder.resolve("log")), e);
        }
        Thread.sleep(50);
      }
    }
    throw new AssertionError("sshd does not listen");
  }

  int port() {
    return port;
  }

  /** Returns the line for known_hosts. */
  String knownHost() {
    return "[127.0.0.1]:" + port + " " + hostKey;
  }

  /** Returns the address of a repository. */
  String url(Path repository) {
    return "ssh://%s@127.0.0.1:%d%s".formatted(System.getProperty("user.name"), port, repository);
  }

  @Override
  public void close() {
    process.descendants().forEach(ProcessHandle::destroy);
    process.destroy();
    process.onExit().join();
  }
}

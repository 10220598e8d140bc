package nixery.source.git;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.PublicKey;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import nixery.api.ConfigurationException;
import nixery.api.source.PackageSource;
import nixery.api.source.SourceUnavailableException;
import org.apache.sshd.common.config.keys.PublicKeyEntry;
import org.apache.sshd.server.SshServer;
import org.apache.sshd.server.keyprovider.SimpleGeneratorHostKeyProvider;
import org.apache.sshd.server.shell.ProcessShellCommandFactory;
import org.eclipse.jgit.util.SystemReader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The user's own credentials are found, used for nobody else, and shown to nobody. */
class CredentialTests extends HttpRepository {

  private static final String PASSWORD = "s3cret/w+rd%";
  private static final String ENCODED = "s3cret%2Fw+rd%25";

  private void assertServes(String address) {
    try (PackageSource source = Sources.open(address, folder.resolve("cache"))) {
      source.checkout(source.resolve("latest")).close();
      assertThat(source.identity()).doesNotContain("s3cret");
    }
  }

  private Throwable failure(String address) {
    try (PackageSource source = Sources.open(address, folder.resolve("cache"))) {
      Throwable failure = catchThrowable(() -> source.checkout(source.resolve("latest")));
      assertThat(failure).isInstanceOf(SourceUnavailableException.class);
      return failure;
    }
  }

  @Test
  void userAndPasswordInTheAddress() {
    http.login = "ada:" + PASSWORD;
    assertServes(http.url("ada:" + ENCODED, "set/.git"));
  }

  @Test
  void tokenInTheAddress() {
    http.login = "s3cret-token:";
    assertServes(http.url("s3cret-token", "set/.git"));
  }

  @Test
  void netrc() throws IOException {
    http.login = "ada:s3cret";
    home.write(".netrc", "machine 127.0.0.1 login ada password s3cret\n");
    assertServes(http.url("set/.git"));
  }

  @Test
  void credentialHelperAfterAWrongNetrc() throws IOException {
    http.login = "ada:s3cret";
    home.write(".netrc", "machine 127.0.0.1 login ada password old\n");
    home.write(
        ".gitconfig",
        """
        [credential "http://127.0.0.1:%d"]
          helper = "!f() { echo username=ada; echo password=s3cret; }; f"
        """
            .formatted(http.port()));
    assertServes(http.url("set/.git"));
  }

  @Test
  void insteadOfWithATokenAndExtraHeaders() throws IOException {
    http.login = "ada:s3cret";
    home.write(
        ".gitconfig",
        """
        [url "%s"]
          insteadOf = https://git.example.org/
        """
            .formatted(http.url("ada:s3cret", "")));
    assertServes("https://git.example.org/set/.git");

    home.write(
        ".gitconfig",
        """
        [http "%s"]
          extraHeader = "Authorization: Basic YWRhOnMzY3JldA=="
        """
            .formatted(http.url("")));
    assertServes(http.url("set/.git"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"ada:" + ENCODED, "s3cret-token", ""})
  void areShownToNobodyWhenRefused(String userInfo) {
    http.login = "grace:other";
    String address = userInfo.isEmpty() ? http.url("set/.git") : http.url(userInfo, "set/.git");
    try (CapturedLogs logs = new CapturedLogs()) {
      Throwable failure = failure(address);

      assertThat(failure).hasMessageContaining("wants other credentials");
      assertThat(CapturedLogs.text(failure)).doesNotContain("s3cret");
      assertThat(logs.text()).doesNotContain("s3cret").isNotEmpty();
    }
  }

  @Test
  void areShownToNobodyWhenTheServerRepeatsThem() throws IOException {
    http.close();
    try (CapturedLogs logs = new CapturedLogs();
        RawServer server =
            RawServer.answering(
                """
                HTTP/1.1 302 Found\r
                Location: http://ada:s3cret@127.0.0.1:1/elsewhere?s3cret\r
                Content-Length: 0\r
                \r
                """)) {
      Throwable failure = failure("http://ada:s3cret@127.0.0.1:" + server.port() + "/set");

      assertThat(CapturedLogs.text(failure)).doesNotContain("s3cret");
      assertThat(logs.text()).doesNotContain("s3cret");
    }
  }

  @Test
  void areNotSentToWhereTheServerRedirects() throws IOException {
    try (RawServer thief =
            RawServer.answering(
                """
                HTTP/1.1 401 Unauthorized\r
                WWW-Authenticate: Basic realm="git"\r
                Content-Length: 0\r
                \r
                """);
        RawServer server =
            RawServer.answering(
                """
                HTTP/1.1 302 Found\r
                Location: http://localhost:%d/set/info/refs?service=git-upload-pack\r
                Content-Length: 0\r
                \r
                """
                    .formatted(thief.port()))) {
      failure("http://ada:s3cret@127.0.0.1:" + server.port() + "/set");

      assertThat(thief.requests()).isNotEmpty().noneMatch(r -> r.contains("Authorization"));
    }
  }

  /** A line end in a redirect would begin another line of what git's helpers are asked. */
  @Test
  void areNotAskedForInTheNameOfAnotherHost() throws IOException {
    home.write(
        ".gitconfig",
        """
        [credential "http://victim.example"]
          helper = "!f() { echo username=ada; echo password=s3cret; }; f"
        """);
    try (RawServer thief =
            RawServer.answering(
                """
                HTTP/1.1 401 Unauthorized\r
                WWW-Authenticate: Basic realm="git"\r
                Content-Length: 0\r
                \r
                """);
        RawServer server =
            RawServer.answering(
                """
                HTTP/1.1 302 Found\r
                Location: http://localhost:%d/x%%0ahost=victim.example%%0apath=y/info/refs?service=git-upload-pack\r
                Content-Length: 0\r
                \r
                """
                    .formatted(thief.port()))) {
      failure("http://127.0.0.1:" + server.port() + "/set");

      assertThat(thief.requests()).isNotEmpty().noneMatch(r -> r.contains("Authorization"));
    }
  }

  @Test
  void ownCertificateAuthority() throws Exception {
    Path store = folder.resolve("keys.p12");
    Commands.run(
        folder,
        Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
        "-genkeypair",
        "-keystore",
        store.toString(),
        "-storepass",
        "password",
        "-alias",
        "own",
        "-keyalg",
        "EC",
        "-dname",
        "CN=test",
        "-ext",
        "SAN=ip:127.0.0.1");
    Path certificate = folder.resolve("own.pem");
    Commands.run(
        folder,
        Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
        "-exportcert",
        "-rfc",
        "-keystore",
        store.toString(),
        "-storepass",
        "password",
        "-alias",
        "own",
        "-file",
        certificate.toString());
    try (HttpGitServer https = HttpGitServer.startTls(folder.resolve("repos"), tls(store))) {
      assertThat(failure(https.url("set/.git"))).hasMessageContaining("http.sslCAInfo");

      home.write(".gitconfig", "[http]\n  sslCAInfo = " + certificate + "\n");
      https.login = "ada:s3cret";
      assertServes(https.url("ada:s3cret", "set/.git"));
    }
  }

  private static SSLContext tls(Path file) throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(file)) {
      store.load(in, "password".toCharArray());
    }
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, "password".toCharArray());
    SSLContext tls = SSLContext.getInstance("TLS");
    tls.init(keys.getKeyManagers(), null, null);
    return tls;
  }

  @ParameterizedTest
  @ValueSource(strings = {"ed25519", "rsa", "ecdsa"})
  void sshKeys(String type) throws Exception {
    Path key = home.folder().resolve(".ssh/id_" + type);
    SshGitServer.makeKey(key, type);
    try (SshGitServer ssh = startSsh(key)) {
      home.write(".ssh/known_hosts", ssh.knownHost());
      assertServes(ssh.url(tree.folder()));
    }
  }

  private SshGitServer startSsh(Path key) throws Exception {
    return SshGitServer.start(
        folder.resolve("sshd"), key.resolveSibling(key.getFileName() + ".pub"));
  }

  @Test
  void sshConfig() throws Exception {
    Path key = home.folder().resolve("elsewhere");
    SshGitServer.makeKey(key, "ed25519");
    try (SshGitServer ssh = startSsh(key)) {
      home.write(".ssh/known_hosts", ssh.knownHost());
      home.write(
          ".ssh/config",
          """
          Host forge
            HostName 127.0.0.1
            Port %d
            User %s
            IdentityFile ~/elsewhere
          """
              .formatted(ssh.port(), System.getProperty("user.name")));
      assertServes("forge:" + tree.folder());
    }
  }

  @Test
  void sshAgent() throws Exception {
    Path key = folder.resolve("key");
    SshGitServer.makeKey(key, "ed25519");
    Path socket = folder.resolve("agent");
    Process agent =
        Commands.builder(folder, List.of("ssh-agent", "-D", "-a", socket.toString()))
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("agent.log").toFile())
            .start();
    try (SshGitServer ssh = startSsh(key)) {
      for (int i = 0; !Files.exists(socket) && i < 600; i++) {
        Thread.sleep(50);
      }
      Commands.run(folder, "env", "SSH_AUTH_SOCK=" + socket, "ssh-add", "-q", key.toString());
      Files.delete(key);
      home.write(".ssh/known_hosts", ssh.knownHost());
      home.write(".ssh/config", "Host *\n  IdentityAgent " + socket + "\n");
      assertServes(ssh.url(tree.folder()));

      agent.destroy();
      agent.onExit().join();
      assertThat(failure(ssh.url(tree.folder()))).hasMessageContaining("SSH agent");
    } finally {
      agent.destroy();
    }
  }

  @Test
  void sshWithoutAnyKey() throws Exception {
    Path key = folder.resolve("key");
    SshGitServer.makeKey(key, "ed25519");
    try (SshGitServer ssh = startSsh(key)) {
      home.write(".ssh/known_hosts", ssh.knownHost());
      assertThat(failure(ssh.url(tree.folder()))).hasMessageContaining("none of the keys");
    }
  }

  @Test
  void sshPasswordInTheAddress() throws Exception {
    try (SshServer server = SshServer.setUpDefaultServer()) {
      server.setHost("127.0.0.1");
      server.setKeyPairProvider(new SimpleGeneratorHostKeyProvider());
      server.setPasswordAuthenticator(
          (user, password, session) -> user.equals("ada") && password.equals(PASSWORD));
      server.setCommandFactory(new ProcessShellCommandFactory());
      server.start();
      PublicKey key = server.getKeyPairProvider().loadKeys(null).iterator().next().getPublic();
      home.write(
          ".ssh/known_hosts",
          "[127.0.0.1]:" + server.getPort() + " " + PublicKeyEntry.toString(key) + "\n");
      String address = "ssh://ada:%s@127.0.0.1:" + server.getPort() + tree.folder();
      try (CapturedLogs logs = new CapturedLogs()) {
        assertServes(address.formatted(ENCODED));
        Throwable failure = failure(address.formatted("s3cret-wrong"));

        assertThat(CapturedLogs.text(failure) + logs.text()).doesNotContain("s3cret");
      }
    }
  }

  @Test
  void unknownHostKeysAreRefused() throws Exception {
    Path key = home.folder().resolve(".ssh/id_ed25519");
    SshGitServer.makeKey(key, "ed25519");
    try (SshGitServer ssh = startSsh(key)) {
      String address = ssh.url(tree.folder());
      assertThat(failure(address))
          .hasMessageContaining("host key of 127.0.0.1")
          .hasMessageContaining("ssh-keyscan");
      assertThat(home.folder().resolve(".ssh/known_hosts")).doesNotExist();

      Path other = folder.resolve("other");
      SshGitServer.makeKey(other, "ed25519");
      Matcher right = Pattern.compile(" ").matcher(ssh.knownHost());
      assertThat(right.find()).isTrue();
      home.write(
          ".ssh/known_hosts",
          ssh.knownHost().substring(0, right.start())
              + " "
              + Files.readString(folder.resolve("other.pub")));
      assertThat(failure(address)).hasMessageContaining("host key of 127.0.0.1");
    }
  }

  @Test
  void anAddressThatIsNoneIsNotRepeated() {
    assertThatThrownBy(
            () -> Sources.open("ftp://ada:s3cret@example.org/set", folder.resolve("cache")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("NIXERY_PKGS_REPO")
        .hasMessageNotContaining("s3cret");
  }

  @Test
  void nothingIsWrittenIntoTheHome() throws IOException {
    assertServes(http.url("set/.git"));
    assertThat(SystemReader.getInstance()).isInstanceOf(UserSystemReader.class);
    assertThat(home.folder()).isDirectoryNotContaining("regex:.*config.*");
    assertThat(home.folder().resolve(".ssh")).isEmptyDirectory();
  }
}

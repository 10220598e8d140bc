package nixery.source.git;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Optional;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import org.eclipse.jgit.errors.ConfigInvalidException;
import org.eclipse.jgit.transport.http.HttpConnection;
import org.eclipse.jgit.transport.http.JDKHttpConnectionFactory;
import org.eclipse.jgit.util.SystemReader;

/**
 * Opens connections that trust the certificate authorities in the file that the user's git
 * configuration names as {@code http.sslCAInfo}, or {@code GIT_SSL_CAINFO}, instead of Java's. JGit
 * itself does not read that setting.
 */
final class TrustedConnectionFactory extends JDKHttpConnectionFactory {

  @Override
  public GitSession newSession() {
    GitSession session = super.newSession();
    return new GitSession() {
      @Override
      public HttpConnection configure(HttpConnection connection, boolean sslVerify)
          throws GeneralSecurityException, IOException {
        HttpConnection configured = session.configure(connection, sslVerify);
        if (sslVerify && connection.getURL().getProtocol().equals("https")) {
          Optional<Path> authorities = authorities();
          if (authorities.isPresent()) {
            configured.configure(null, trust(authorities.get()), null);
          }
        }
        return configured;
      }

      @Override
      public void close() {
        session.close();
      }
    };
  }

  private static Optional<Path> authorities() throws IOException {
    SystemReader system = SystemReader.getInstance();
    try {
      String variable = system.getenv("GIT_SSL_CAINFO");
      String file =
          variable == null || variable.isEmpty()
              ? system.getUserConfig().getString("http", null, "sslCAInfo")
              : variable;
      return Optional.ofNullable(file).filter(name -> !name.isEmpty()).map(Path::of);
    } catch (ConfigInvalidException e) {
      throw new IOException(e);
    }
  }

  private static TrustManager[] trust(Path file) throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    try (InputStream in = Files.newInputStream(file)) {
      int number = 0;
      for (Certificate certificate :
          CertificateFactory.getInstance("X.509").generateCertificates(in)) {
        store.setCertificateEntry("ca" + number++, certificate);
      }
    }
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(store);
    return factory.getTrustManagers();
  }
}

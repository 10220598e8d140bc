package nixery.storage.gcs;

import com.google.auth.Credentials;
import com.google.auth.http.HttpTransportFactory;
import com.google.auth.oauth2.GoogleCredentials;
import com.google.cloud.NoCredentials;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import nixery.api.ConfigurationException;

/**
 * Finds out on whose behalf the bucket is used. Google's client would go on without credentials
 * where it finds none, and fail later.
 */
final class GoogleCredentialsFile {

  private static final int LARGEST = 1 << 20;

  private GoogleCredentialsFile() {}

  static Credentials resolve(Optional<Path> file, URI endpoint, HttpTransportFactory transports) {
    if (file.isPresent()) {
      return read(file.get(), transports);
    }
    if (endpoint.getScheme().equals("http")) {
      return NoCredentials.getInstance();
    }
    try {
      return GoogleCredentials.getApplicationDefault(transports);
    } catch (IOException e) {
      throw new ConfigurationException(
          "GOOGLE_APPLICATION_CREDENTIALS is not set, and this machine has no default Google"
              + " credentials either: set it to the JSON key file of a service account that may"
              + " use the bucket.",
          e);
    }
  }

  private static Credentials read(Path file, HttpTransportFactory transports) {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(LARGEST);
      return parse(bytes, file, transports);
    } catch (NoSuchFileException e) {
      throw unreadable(file, "there is no such file", e);
    } catch (IOException e) {
      throw unreadable(file, Files.isDirectory(file) ? "it is a folder" : "access is denied", e);
    }
  }

  private static ConfigurationException unreadable(Path file, String why, IOException cause) {
    return new ConfigurationException(
        "GOOGLE_APPLICATION_CREDENTIALS names %s, which cannot be read: %s.".formatted(file, why),
        cause);
  }

  private static Credentials parse(byte[] bytes, Path file, HttpTransportFactory transports) {
    try {
      return GoogleCredentials.fromStream(new ByteArrayInputStream(bytes), transports);
    } catch (IOException | RuntimeException e) {
      throw new ConfigurationException(
          "GOOGLE_APPLICATION_CREDENTIALS names %s, which holds no Google credentials: download"
                  .formatted(file)
              + " the JSON key of the service account again.",
          e);
    }
  }
}

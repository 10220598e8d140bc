package nixery.storage.gcs;

import com.google.cloud.WriteChannel;
import com.google.cloud.storage.Blob;
import com.google.cloud.storage.BlobInfo;
import com.google.cloud.storage.Storage.BlobField;
import com.google.cloud.storage.Storage.BlobGetOption;
import com.google.cloud.storage.Storage.BlobTargetOption;
import com.google.cloud.storage.Storage.BlobWriteOption;
import com.google.cloud.storage.StorageException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HexFormat;
import java.util.zip.CRC32C;
import nixery.api.storage.Content;
import nixery.api.storage.Key;

/**
 * Writes one object. The bytes are read once to compare them with what was promised, and again to
 * send them, together with the length and CRC32C that they had the first time: the service makes an
 * object of them only if it has received just these.
 *
 * <p>Small content is sent at once. The rest goes through a resumable upload, which holds {@value
 * #CHUNK} bytes in memory and becomes visible with its last chunk.
 */
final class Upload {

  /** What is sent in one request. */
  private static final int AT_ONCE = 1 << 20;

  /** A multiple of 256 KiB, as the service demands; it recommends at least 8 MiB. */
  private static final int CHUNK = 8 << 20;

  private static final int BUFFER = 1 << 18;
  private static final int ATTEMPTS = 3;

  private final BucketClient client;
  private final Key key;
  private final Content content;

  Upload(BucketClient client, Key key, Content content) {
    this.client = client;
    this.key = key;
    this.content = content;
  }

  /**
   * Stores the object if there is none yet.
   *
   * @return whether there was none
   * @throws nixery.api.storage.StorageException if that failed, or the bytes are not as promised
   */
  boolean run() {
    try {
      if (content.length() <= AT_ONCE) {
        byte[] bytes = small();
        return repeatedly(() -> sendAtOnce(bytes));
      } else {
        String crc32c = verify();
        return repeatedly(() -> sendInChunks(crc32c));
      }
    } catch (Unreadable e) {
      throw new nixery.api.storage.StorageException(
          "cannot read what is to be stored as " + key, e.getCause());
    }
  }

  private interface Attempt {
    void run() throws Unreadable;
  }

  /** Says that the content could not be read, as opposed to a failure of the service. */
  private static final class Unreadable extends Exception {
    private static final long serialVersionUID = 1;

    Unreadable(IOException cause) {
      super(cause);
    }
  }

  /** Starts over where the client's own attempts ended, as when an upload session was lost. */
  private boolean repeatedly(Attempt attempt) throws Unreadable {
    for (int number = 1; ; number++) {
      try {
        attempt.run();
        return true;
      } catch (StorageException e) {
        switch (e.getCode()) {
          case 412 -> {
            return false; // It is there already, and keys are made from the content.
          }
          case 401, 403 -> throw Failures.of("store " + key, e);
          default -> {
            if (number == ATTEMPTS) {
              throw Failures.of("store " + key, e);
            }
            pause(number, e);
          }
        }
      }
    }
  }

  private void pause(int number, StorageException failure) {
    try {
      client.pause(number);
    } catch (InterruptedIOException e) {
      failure.addSuppressed(e);
      throw Failures.of("store " + key, failure);
    }
  }

  private byte[] small() throws Unreadable {
    try (InputStream in = content.open()) {
      byte[] bytes = in.readNBytes(AT_ONCE + 1);
      compare(bytes.length, sha256().digest(bytes));
      return bytes;
    } catch (IOException e) {
      throw new Unreadable(e);
    }
  }

  /** Reads everything and returns the CRC32C as the service writes it. */
  private String verify() throws Unreadable {
    MessageDigest sha256 = sha256();
    CRC32C crc32c = new CRC32C();
    long length = 0;
    byte[] buffer = new byte[BUFFER];
    try (InputStream in = content.open()) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        sha256.update(buffer, 0, n);
        crc32c.update(buffer, 0, n);
        length += n;
      }
    } catch (IOException e) {
      throw new Unreadable(e);
    }
    compare(length, sha256.digest());
    byte[] bigEndian = ByteBuffer.allocate(4).putInt((int) crc32c.getValue()).array();
    return Base64.getEncoder().encodeToString(bigEndian);
  }

  private void compare(long length, byte[] sha256) {
    String actual = HexFormat.of().formatHex(sha256);
    if (length != content.length() || !actual.equals(content.sha256())) {
      throw new nixery.api.storage.StorageException(
          "%s was to be stored with %d bytes and SHA-256 %s, but was given %d bytes with %s"
              .formatted(key, content.length(), content.sha256(), length, actual));
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new LinkageError("every Java runtime has SHA-256", e);
    }
  }

  /** The client computes the CRC32C of an array itself and sends it along. */
  private void sendAtOnce(byte[] bytes) {
    client
        .retrying()
        .create(
            info().build(),
            bytes,
            BlobTargetOption.doesNotExist(),
            BlobTargetOption.disableGzipContent());
  }

  /**
   * Closing the channel makes an object of whatever was written, so it is closed only when
   * everything was. An upload that was left alone is never visible, and gone after a week.
   */
  private void sendInChunks(String crc32c) throws Unreadable {
    try (InputStream in = open()) {
      WriteChannel channel =
          client
              .retrying()
              .writer(
                  info().setCrc32c(crc32c).build(),
                  BlobWriteOption.doesNotExist(),
                  BlobWriteOption.crc32cMatch(),
                  BlobWriteOption.expectedObjectSize(content.length()));
      channel.setChunkSize(CHUNK);
      byte[] buffer = new byte[BUFFER];
      for (long left = content.length(); left > 0; ) {
        int n = in.read(buffer, 0, (int) Math.min(buffer.length, left));
        if (n < 0) {
          throw new EOFException("the file has become shorter");
        }
        left -= n;
        send(channel, ByteBuffer.wrap(buffer, 0, n));
      }
      finish(channel);
    } catch (IOException e) {
      throw new Unreadable(e);
    }
    requireObject(crc32c);
  }

  /**
   * Looks for the object. If the connection is lost at the end of an upload, the client asks how
   * many bytes have arrived, and is content if that is all of them; but they make no object then.
   */
  private void requireObject(String crc32c) {
    Blob made =
        client
            .retrying()
            .get(client.id(key.value()), BlobGetOption.fields(BlobField.SIZE, BlobField.CRC32C));
    if (made == null || made.getSize() != content.length() || !made.getCrc32c().equals(crc32c)) {
      throw new StorageException(0, "the upload has not become an object");
    }
  }

  private InputStream open() throws Unreadable {
    try {
      return content.open();
    } catch (IOException e) {
      throw new Unreadable(e);
    }
  }

  private static void send(WriteChannel channel, ByteBuffer bytes) {
    try {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    } catch (IOException e) {
      throw e.getCause() instanceof StorageException failure
          ? failure
          : StorageException.translate(e);
    }
  }

  private static void finish(WriteChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      throw StorageException.translate(e);
    }
  }

  private BlobInfo.Builder info() {
    return BlobInfo.newBuilder(client.id(key.value())).setContentType(content.mediaType());
  }
}

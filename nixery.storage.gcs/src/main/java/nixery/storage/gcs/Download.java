package nixery.storage.gcs;

import com.google.cloud.ReadChannel;
import com.google.cloud.storage.BlobId;
import com.google.cloud.storage.StorageException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Objects;

/**
 * Reads one generation of an object from an offset to its end. Where the connection is lost, it
 * goes on from there with another one, a few times in a row. Not thread-safe.
 */
final class Download extends InputStream {

  private static final int ATTEMPTS = 4;

  private final BucketClient client;
  private final BlobId id;
  private final long length;
  private long position;
  private ReadChannel channel;

  Download(BucketClient client, BlobId id, long offset, long length) {
    this.client = client;
    this.id = id;
    this.position = offset;
    this.length = length;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] buffer, int offset, int count) throws IOException {
    Objects.checkFromIndexSize(offset, count, buffer.length);
    if (count == 0) {
      return 0;
    }
    if (position == length) {
      return -1;
    }
    ByteBuffer target = ByteBuffer.wrap(buffer, offset, (int) Math.min(count, length - position));
    for (int attempt = 1; ; attempt++) {
      try {
        return readOnce(target);
      } catch (IOException | StorageException e) {
        close();
        int status = Failures.status(e);
        boolean hopeless = status >= 400 && status < 500 && status != 408 && status != 429;
        if (hopeless || attempt == ATTEMPTS) {
          throw new IOException(
              "cannot read %s from byte %d: %s"
                  .formatted(id.getName(), position, Failures.reason(e)),
              e);
        }
        client.pause(attempt);
      }
    }
  }

  private int readOnce(ByteBuffer target) throws IOException {
    if (channel == null) {
      channel = client.once().reader(id);
      channel.setChunkSize(0);
      channel.seek(position);
    }
    int n = channel.read(target);
    if (n <= 0) {
      throw new EOFException("the object ended early");
    }
    position += n;
    return n;
  }

  @Override
  public void close() {
    if (channel != null) {
      channel.close();
      channel = null;
    }
  }
}

package nixery.server.registry;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.WARNING;
import static java.nio.file.StandardOpenOption.READ;

import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.ServerResponse;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import nixery.api.storage.StoredObject;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;

/**
 * Where the bytes of a blob come from. Opening it fails with an error that the client can still be
 * told. After that, a blob that turns out to be shorter than announced, or cannot be read, ends the
 * connection, so that no client takes a part for the whole.
 */
final class BlobTransfer implements AutoCloseable {

  private static final int FIRST_PIECE = 8 * 1024;

  /** How much the operating system is told to send at once. */
  private static final int MOST_AT_ONCE = 4 * 1024 * 1024;

  /** What is sent from memory when a socket is full, since only that waits until it is not. */
  private static final int WAITING_PIECE = 64 * 1024;

  private static final System.Logger LOG = System.getLogger(BlobTransfer.class.getName());

  /** Reads up to as many bytes as there are; fewer mean the end. */
  @FunctionalInterface
  private interface Source {
    int read(byte[] piece, int length) throws IOException;
  }

  private final Source source;
  private final AutoCloseable resource;
  private final Optional<FileChannel> file;
  private long sentBeside;

  private BlobTransfer(Source source, AutoCloseable resource, Optional<FileChannel> file) {
    this.source = source;
    this.resource = resource;
    this.file = file;
  }

  /**
   * Opens a file.
   *
   * @param file a blob and nothing else
   * @param length that it must have
   * @param offset where to begin
   * @return the transfer, for the caller to close
   * @throws Failure if it is not there, cannot be read or has another length
   */
  static BlobTransfer ofFile(Path file, long length, long offset) {
    try {
      FileChannel channel = FileChannel.open(file, READ);
      BlobTransfer transfer =
          new BlobTransfer((piece, n) -> read(channel, piece, n), channel, Optional.of(channel));
      try {
        transfer.check(length, channel.size());
        channel.position(offset);
      } catch (IOException | Failure e) {
        channel.close();
        throw e;
      }
      return transfer;
    } catch (NoSuchFileException e) {
      throw new Failure(FailureCode.BLOB_UNKNOWN, "This blob has just been deleted.", e);
    } catch (IOException e) {
      throw new Failure(
          FailureCode.STORAGE_UNAVAILABLE, "The storage cannot read this blob now.", e);
    }
  }

  /**
   * Takes an object that begins at the right place.
   *
   * @param object closed with the transfer, or before a failure is thrown
   * @param length that the whole of it must have
   * @return the transfer, for the caller to close
   * @throws Failure if it has another length
   */
  static BlobTransfer ofObject(StoredObject object, long length) {
    InputStream stream = object.stream();
    BlobTransfer transfer =
        new BlobTransfer((piece, n) -> stream.readNBytes(piece, 0, n), object, Optional.empty());
    try {
      transfer.check(length, object.length());
    } catch (Failure e) {
      transfer.close();
      throw e;
    }
    return transfer;
  }

  private void check(long announced, long real) {
    if (announced != real) {
      throw new Failure(
          FailureCode.INTERNAL, "A blob of " + announced + " bytes has " + real + " bytes.");
    }
  }

  private static int read(FileChannel channel, byte[] piece, int length) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(piece, 0, length);
    while (buffer.hasRemaining() && channel.read(buffer) >= 0) {}
    return buffer.position();
  }

  /**
   * Sends bytes as the body of an answer.
   *
   * @param response with all headers set, among them the length
   * @param length how many bytes are left to send
   * @param piece how many bytes to hold in memory
   * @param guard watches the client
   * @throws CloseConnectionException if not all could be read, which is logged, or if the client
   *     went away
   */
  void send(ServerResponse response, long length, int piece, StallGuard guard) {
    byte[] bytes = new byte[(int) Math.min(piece, length)];
    long left = length;
    OutputStream body = response.outputStream();
    try {
      while (left > 0) {
        // Helidon copies the first piece, to send it together with the headers.
        int wanted = (int) Math.min(left == length ? FIRST_PIECE : bytes.length, left);
        wanted = Math.min(wanted, bytes.length);
        guard.begin();
        read(bytes, wanted, left);
        body.write(bytes, 0, wanted);
        left -= wanted;
      }
      body.close();
    } catch (IOException e) {
      throw new CloseConnectionException("the client went away", e);
    } finally {
      guard.end();
    }
  }

  /** Tells whether {@link #sendFile} can be used. */
  boolean isFile() {
    return file.isPresent();
  }

  /** Returns how many bytes {@link #sendFile} has sent without Helidon, which cannot count them. */
  long sentBeside() {
    return sentBeside;
  }

  /**
   * Sends bytes of a file as the body of an answer, without reading them into this process: the
   * headers and the first piece through Helidon, the rest straight from the file to the socket.
   *
   * @param response with all headers set, among them the length
   * @param socket of the connection, without encryption
   * @param length how many bytes are left to send
   * @param guard watches the client
   * @throws CloseConnectionException as {@link #send} does
   */
  void sendFile(ServerResponse response, SocketChannel socket, long length, StallGuard guard) {
    FileChannel channel = file.orElseThrow();
    byte[] first = new byte[(int) Math.min(FIRST_PIECE, length)];
    byte[] piece = new byte[0];
    OutputStream body = response.outputStream();
    try {
      guard.begin();
      read(first, first.length, length);
      body.write(first);
      body.flush();
      long at = channel.position();
      long end = at + length - first.length;
      while (at < end) {
        guard.begin();
        long sent = channel.transferTo(at, Math.min(end - at, MOST_AT_ONCE), socket);
        if (sent == 0) {
          // The socket takes no more now, for which this thread has to wait. Or the file ends here.
          piece = piece.length == 0 ? new byte[WAITING_PIECE] : piece;
          sent = Math.min(end - at, piece.length);
          channel.position(at);
          read(piece, (int) sent, end - at);
          ByteBuffer left = ByteBuffer.wrap(piece, 0, (int) sent);
          while (left.hasRemaining()) {
            sentBeside += socket.write(left);
          }
        } else {
          sentBeside += sent;
        }
        at += sent;
      }
      body.close();
    } catch (IOException e) {
      throw new CloseConnectionException("the client went away", e);
    } finally {
      guard.end();
    }
  }

  private void read(byte[] piece, int length, long left) {
    try {
      int read = source.read(piece, length);
      if (read < length) {
        throw new EOFException((left - read) + " bytes are missing");
      }
    } catch (IOException | RuntimeException e) {
      LOG.log(WARNING, "a blob could not be read to its end; the connection is closed", e);
      throw new CloseConnectionException("a blob could not be read to its end", e);
    }
  }

  @Override
  public void close() {
    try {
      resource.close();
    } catch (Exception e) {
      LOG.log(DEBUG, "a blob could not be closed", e);
    }
  }
}

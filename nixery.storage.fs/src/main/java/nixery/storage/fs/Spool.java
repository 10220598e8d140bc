package nixery.storage.fs;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Set;
import nixery.api.Scratch;
import nixery.api.storage.Content;
import nixery.api.storage.StorageException;

/**
 * Makes files that are complete, checked, read-only and on the disk, and so need only be renamed to
 * be what they should be.
 */
final class Spool implements AutoCloseable {

  private static final int BUFFER = 1 << 17;

  private static final Set<PosixFilePermission> READ_ONLY =
      PosixFilePermissions.fromString("r--r--r--");

  private final Scratch scratch;

  Spool(Scratch scratch) {
    this.scratch = scratch;
  }

  /** Returns the folder that the files are in. */
  Path folder() {
    return scratch.folder();
  }

  /**
   * Moves or copies content here.
   *
   * <p>A file that can be moved is read once all the same: whoever computed its digest did so from
   * what was to be written, which need not be what the file holds. It has just been written and is
   * still in memory, so that this costs no more than the hashing.
   *
   * @param content what; a file of it may be gone afterwards, even in case of failure
   * @return a file for the caller to move away or delete
   * @throws StorageException if the bytes are not what was promised
   */
  Path take(Content content) throws IOException {
    Path file = scratch.next();
    try {
      if (moved(content, file)) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
          check(content, Channels.newInputStream(channel), OutputStream.nullOutputStream());
          finish(file, channel);
        }
      } else {
        try (InputStream in = content.open();
            FileChannel channel = create(file)) {
          check(content, in, Channels.newOutputStream(channel));
          finish(file, channel);
        }
      }
      return file;
    } catch (IOException | RuntimeException e) {
      deleteAfter(e, file);
      throw e;
    }
  }

  /** Writes a small file that the caller moves away or deletes. */
  Path write(byte[] head, byte[] body) throws IOException {
    Path file = scratch.next();
    try (FileChannel channel = create(file)) {
      OutputStream out = Channels.newOutputStream(channel);
      out.write(head);
      out.write(body);
      finish(file, channel);
      return file;
    } catch (IOException | RuntimeException e) {
      deleteAfter(e, file);
      throw e;
    }
  }

  private static boolean moved(Content content, Path to) throws IOException {
    Path file = content.file().orElse(to);
    // To move a link would store the link.
    if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
      return false;
    }
    try {
      Files.move(file, to, StandardCopyOption.ATOMIC_MOVE);
      return true;
    } catch (AtomicMoveNotSupportedException | AccessDeniedException e) {
      return false; // On another file system, or not ours: it is copied instead.
    }
  }

  private static FileChannel create(Path file) throws IOException {
    return FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
  }

  /** Copies until the end or until there is more than was promised, and compares. */
  private static void check(Content content, InputStream in, OutputStream out) throws IOException {
    MessageDigest digest = sha256();
    byte[] buffer = new byte[BUFFER];
    long length = 0;
    int count = in.read(buffer);
    while (count >= 0 && length <= content.length()) {
      digest.update(buffer, 0, count);
      out.write(buffer, 0, count);
      length += count;
      count = in.read(buffer);
    }
    String found = HexFormat.of().formatHex(digest.digest());
    if (length != content.length() || !found.equals(content.sha256())) {
      throw new StorageException(
          "refused content that is not the promised %d bytes with SHA-256 %s: the first %d have %s"
              .formatted(content.length(), content.sha256(), length, found));
    }
  }

  private static void finish(Path file, FileChannel channel) throws IOException {
    Files.setPosixFilePermissions(file, READ_ONLY);
    channel.force(true);
  }

  private static void deleteAfter(Exception failure, Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new LinkageError("every Java runtime has SHA-256", e);
    }
  }

  /** Deletes what is left. */
  @Override
  public void close() {
    scratch.close();
  }
}

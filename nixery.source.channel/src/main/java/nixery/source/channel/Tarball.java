package nixery.source.channel;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.tukaani.xz.MemoryLimitException;
import org.tukaani.xz.XZIOException;
import org.tukaani.xz.XZInputStream;

/**
 * Unpacks a {@code .tar.xz} or {@code .tar.gz} from a stream into a folder. The archive holds one
 * top folder, which is left out. Nothing is ever written outside the folder or through a link, and
 * memory does not depend on the sizes of files.
 */
final class Tarball {

  /**
   * How much a tarball may be.
   *
   * @param packed its size in bytes
   * @param unpacked the size of the archive in it in bytes
   * @param entries the number of files, folders and links
   * @param ratio how many times larger the archive may be than the tarball, beyond the first
   *     {@value #FREE} bytes
   */
  record Limits(long packed, long unpacked, int entries, int ratio) {

    /** Some ten times of what nixpkgs was at the end of 2025. */
    static final Limits NIXPKGS = new Limits(1L << 30, 4L << 30, 1_000_000, 200);
  }

  private static final int FREE = 64 << 20;

  /** The most memory that XZ may take, in KiB: twice what its strongest preset needs. */
  private static final int XZ_MEMORY = 130 * 1024;

  private static final int BUFFER = 64 * 1024;

  private final Path folder;
  private final Limits limits;
  private final byte[] buffer = new byte[BUFFER];
  private final Set<Path> folders = new HashSet<>();
  private Optional<String> top = Optional.empty();
  private int entries;

  private Tarball(Path folder, Limits limits) {
    this.folder = folder;
    this.limits = limits;
    folders.add(folder);
  }

  /**
   * Unpacks a tarball.
   *
   * @param in the tarball, which is read to its end; for the caller to close
   * @param folder an empty folder that nobody else knows
   * @param limits how much it may be
   * @return the comment of the archive, in which git puts the commit, if there is one
   * @throws CorruptTarballException if it is damaged or not acceptable
   * @throws FileSystemException if the disk fails
   * @throws IOException what the stream throws
   */
  static Optional<String> unpack(InputStream in, Path folder, Limits limits) throws IOException {
    Meter packed = new Meter(in);
    try {
      InputStream archive =
          new Guard(decompress(new BufferedInputStream(packed, BUFFER)), packed, limits);
      return new Tarball(folder, limits).unpack(new TarReader(archive));
    } catch (MemoryLimitException e) {
      throw corrupt("needs too much memory to be unpacked", e);
    } catch (XZIOException | ZipException e) {
      throw corrupt("is damaged (" + e.getMessage() + ")", e);
    } catch (EOFException e) {
      throw corrupt("is cut short", e);
    }
  }

  private static CorruptTarballException corrupt(String message, Exception cause) {
    CorruptTarballException corrupt = new CorruptTarballException(message);
    corrupt.initCause(cause);
    return corrupt;
  }

  private static InputStream decompress(InputStream in) throws IOException {
    in.mark(2);
    int first = in.read();
    int second = in.read();
    in.reset();
    if (first == 0xfd && second == '7') {
      return new XZInputStream(in, XZ_MEMORY);
    }
    if (first == 0x1f && second == 0x8b) {
      return new GZIPInputStream(in, BUFFER);
    }
    throw new CorruptTarballException("is neither compressed with xz nor with gzip");
  }

  private Optional<String> unpack(TarReader tar) throws IOException {
    Optional<TarReader.Entry> entry = tar.next();
    while (entry.isPresent()) {
      entries++;
      if (entries > limits.entries()) {
        throw new CorruptTarballException("holds more than " + limits.entries() + " files");
      }
      unpack(entry.get(), tar);
      entry = tar.next();
    }
    if (top.isEmpty()) {
      throw new CorruptTarballException("is empty");
    }
    return tar.comment();
  }

  private void unpack(TarReader.Entry entry, TarReader tar) throws IOException {
    List<String> components = Names.components(entry.name());
    boolean isFolder = entry.kind() == TarReader.Kind.FOLDER;
    if (components.isEmpty() && isFolder) {
      return; // "./"
    }
    if (components.isEmpty()
        || !top.orElse(components.getFirst()).equals(components.getFirst())
        || (components.size() == 1 && !isFolder)) {
      throw new CorruptTarballException(
          "holds '%s' beside its top folder".formatted(Names.show(entry.name())));
    }
    top = Optional.of(components.getFirst());
    List<String> inside = components.subList(1, components.size());
    if (inside.isEmpty()) {
      return;
    }
    Path parent = makeFolders(inside.subList(0, inside.size() - 1), entry.name());
    Path place = child(parent, inside.getLast());
    try {
      switch (entry.kind()) {
        case FOLDER -> makeFolders(inside, entry.name());
        case FILE -> write(tar, place, "rw-r--r--");
        case EXECUTABLE -> write(tar, place, "rwxr-xr-x");
        case SYMBOLIC_LINK -> {
          Names.checkTarget(entry.name(), entry.target(), inside.size() - 1);
          Files.createSymbolicLink(place, path(entry.target()));
        }
        case HARD_LINK -> Files.createLink(place, linked(entry));
      }
    } catch (FileAlreadyExistsException e) {
      throw corrupt("holds '" + Names.show(entry.name()) + "' more than once", e);
    }
  }

  /** Makes folders where they are missing. What is there already must be a folder of ours. */
  private Path makeFolders(List<String> components, String name) throws IOException {
    Path at = folder;
    for (String component : components) {
      at = child(at, component);
      if (!folders.contains(at)) {
        try {
          Files.createDirectory(at);
        } catch (FileAlreadyExistsException e) {
          throw corrupt("holds '" + Names.show(name) + "' below something that is no folder", e);
        }
        folders.add(at);
      }
    }
    return at;
  }

  private void write(TarReader tar, Path place, String mode) throws IOException {
    FileAttribute<?> permissions =
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(mode));
    try (var channel =
        Files.newByteChannel(
            place, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), permissions)) {
      OutputStream out = Channels.newOutputStream(channel);
      int count = tar.read(buffer);
      while (count >= 0) {
        try {
          out.write(buffer, 0, count);
        } catch (IOException e) {
          FileSystemException failure =
              new FileSystemException(place.toString(), null, e.getMessage());
          failure.initCause(e);
          throw failure;
        }
        count = tar.read(buffer);
      }
    }
  }

  /** Returns the file that a hard link is another name of. */
  private Path linked(TarReader.Entry entry) throws IOException {
    List<String> components = Names.components(entry.target());
    if (components.isEmpty()) {
      throw new CorruptTarballException("holds a hard link to a folder");
    }
    Path target = folder;
    for (String component : components.subList(1, components.size())) {
      target = child(target, component);
    }
    if (!top.orElse("").equals(components.getFirst())
        || !folders.contains(target.getParent())
        || !Files.isRegularFile(target, LinkOption.NOFOLLOW_LINKS)) {
      throw new CorruptTarballException(
          "holds '%s' as a hard link to '%s', which is no file that came before it"
              .formatted(Names.show(entry.name()), Names.show(entry.target())));
    }
    return target;
  }

  private Path child(Path parent, String name) throws CorruptTarballException {
    return parent.resolve(path(name));
  }

  private Path path(String name) throws CorruptTarballException {
    try {
      return folder.getFileSystem().getPath(name);
    } catch (InvalidPathException e) {
      throw corrupt(
          "holds the name '"
              + Names.show(name)
              + "', which cannot be written in the character set of this server's locale (set"
              + " LC_ALL=C.UTF-8)",
          e);
    }
  }

  /** Counts bytes. */
  private static class Meter extends FilterInputStream {

    long count;

    Meter(InputStream in) {
      super(in);
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      int read = in.read(bytes, offset, length);
      count += Math.max(read, 0);
      return read;
    }

    @Override
    public long skip(long count) {
      return 0; // what is skipped would not be counted, so let the caller read
    }
  }

  /** Stops an archive that grows too large. */
  private static final class Guard extends Meter {

    private final Meter packed;
    private final Limits limits;

    Guard(InputStream archive, Meter packed, Limits limits) {
      super(archive);
      this.packed = packed;
      this.limits = limits;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      int read = super.read(bytes, offset, length);
      if (packed.count > limits.packed()) {
        throw new CorruptTarballException("is larger than " + limits.packed() + " bytes");
      }
      if (count > limits.unpacked()) {
        throw new CorruptTarballException(
            "holds more than " + limits.unpacked() + " bytes when unpacked");
      }
      if (count > FREE && count / limits.ratio() > packed.count) {
        throw new CorruptTarballException(
            "holds more than " + limits.ratio() + " times as much as it is large");
      }
      return read;
    }
  }
}

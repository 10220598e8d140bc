package nixery.popcount;

import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.zip.CRC32C;
import nixery.image.Digest;
import nixery.image.StorePath;

/**
 * The narinfos that were fetched from one binary cache: a file to which a line is added for each.
 * Each line begins with a checksum of the rest, so that it is there in full or is not there,
 * whenever the process or the machine came to an end. What a line says never becomes wrong, since a
 * store path does not change.
 *
 * <p>A line is {@code CHECKSUM PATH NARSIZE REFERENCE…}: eight hexadecimal digits of the CRC-32C of
 * what follows the space, and base names of store paths. The first line names the format and the
 * binary cache.
 */
final class NarInfoLog implements Closeable {

  private static final int CHECKSUM = 8;
  private static final int LONGEST_LINE = 2 * NarInfo.MOST_BYTES;

  private final Path file;
  private final String title;
  private final FileChannel lockChannel;
  private OutputStream out = OutputStream.nullOutputStream();

  private NarInfoLog(Path file, String title, FileChannel lockChannel) {
    this.file = file;
    this.title = title;
    this.lockChannel = lockChannel;
  }

  /**
   * Opens the log of a binary cache for this process alone, and cuts off an unfinished line.
   *
   * @param folder where logs are kept; made if it is not there
   * @param cache the address of the binary cache
   * @return the log, to be closed
   * @throws PopcountException if another process has it open
   * @throws IOException if it cannot be read or written
   */
  static NarInfoLog open(Path folder, URI cache) throws IOException {
    Files.createDirectories(folder);
    String hash = Digest.of(cache.toString().getBytes(StandardCharsets.UTF_8)).hex();
    Path file = folder.resolve("narinfos-" + hash.substring(0, 16) + ".log");
    FileChannel lockChannel =
        FileChannel.open(
            folder.resolve(file.getFileName() + ".lock"),
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE);
    try {
      lock(lockChannel, folder);
      NarInfoLog log = new NarInfoLog(file, "popcount narinfos 1 " + cache, lockChannel);
      log.repair();
      log.out = new FileOutputStream(file.toFile(), true);
      return log;
    } catch (IOException | RuntimeException e) {
      lockChannel.close();
      throw e;
    }
  }

  @SuppressWarnings("resource") // released with the channel
  private static void lock(FileChannel channel, Path folder) throws IOException {
    FileLock lock;
    try {
      lock = channel.tryLock();
    } catch (OverlappingFileLockException e) {
      throw inUse(folder, e);
    }
    if (lock == null) {
      throw inUse(folder, null);
    }
  }

  private static PopcountException inUse(Path folder, Exception cause) {
    return new PopcountException(
        "Another popcount is using the folder %s: wait for it, or give this one another with --cache."
            .formatted(folder),
        cause);
  }

  /** Returns the path of a file for who has the log open, whose name ends in this. */
  Path beside(String end) {
    return file.resolveSibling(file.getFileName() + end);
  }

  private void repair() throws IOException {
    boolean good = false;
    long end = 0;
    if (Files.exists(file)) {
      try (LineReader lines = read()) {
        good = lines.advance() && lines.isWhole() && lines.line().equals(title);
      }
      end = endOfLastLine();
    }
    if (!good) {
      Files.writeString(file, title + "\n", StandardCharsets.UTF_8);
    } else if (end < Files.size(file)) {
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        channel.truncate(end);
      }
    }
  }

  private long endOfLastLine() throws IOException {
    try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "r")) {
      byte[] block = new byte[1 << 16];
      long end = bytes.length();
      while (end > 0) {
        int length = (int) Math.min(block.length, end);
        bytes.seek(end - length);
        bytes.readFully(block, 0, length);
        for (int i = length - 1; i >= 0; i--) {
          if (block[i] == '\n') {
            return end - length + i + 1;
          }
        }
        end -= length;
      }
      return 0;
    }
  }

  private LineReader read() throws IOException {
    return new LineReader(Files.newInputStream(file), LONGEST_LINE);
  }

  /**
   * Reads what is kept. Lines that were damaged are left out.
   *
   * @param each is given each narinfo
   * @throws IOException if the file cannot be read
   */
  void forEach(Consumer<NarInfo> each) throws IOException {
    try (LineReader lines = read()) {
      lines.advance(); // the title
      while (lines.advance()) {
        if (lines.isWhole() && isIntact(lines.line())) {
          each.accept(parse(lines.line()));
        }
      }
    }
  }

  private static boolean isIntact(String line) {
    return line.length() > CHECKSUM
        && line.charAt(CHECKSUM) == ' '
        && line.startsWith(checksum(line.substring(CHECKSUM + 1)));
  }

  private static String checksum(String text) {
    CRC32C crc = new CRC32C();
    crc.update(text.getBytes(StandardCharsets.ISO_8859_1));
    return HexFormat.of().toHexDigits((int) crc.getValue());
  }

  private static NarInfo parse(String line) {
    String[] fields = line.substring(CHECKSUM + 1).split(" ", -1);
    SortedSet<StorePath> references = new TreeSet<>();
    for (int i = 2; i < fields.length; i++) {
      references.add(new StorePath(fields[i]));
    }
    return new NarInfo(new StorePath(fields[0]), Long.parseLong(fields[1]), references);
  }

  private static byte[] line(NarInfo info) {
    StringBuilder text =
        new StringBuilder(info.path().baseName()).append(' ').append(info.narSize());
    info.references().forEach(reference -> text.append(' ').append(reference.baseName()));
    String line = checksum(text.toString()) + " " + text + "\n";
    return line.getBytes(StandardCharsets.ISO_8859_1);
  }

  /**
   * Keeps a narinfo. From then on, no end of the process makes it lost. Thread-safe.
   *
   * @param info not kept yet
   * @throws IOException if it cannot be written
   */
  synchronized void add(NarInfo info) throws IOException {
    out.write(line(info));
  }

  /**
   * Drops narinfos. Until it is done, the file is as it was.
   *
   * @param kept tells which not to drop
   * @throws IOException if the file cannot be written
   */
  synchronized void retain(Predicate<StorePath> kept) throws IOException {
    Path unfinished = beside(".new");
    try (FileOutputStream target = new FileOutputStream(unfinished.toFile())) {
      BufferedOutputStream buffered = new BufferedOutputStream(target, 1 << 16);
      buffered.write((title + "\n").getBytes(StandardCharsets.UTF_8));
      try (LineReader lines = read()) {
        lines.advance();
        while (lines.advance()) {
          if (lines.isWhole() && isIntact(lines.line())) {
            NarInfo info = parse(lines.line());
            if (kept.test(info.path())) {
              buffered.write(line(info));
            }
          }
        }
      }
      buffered.flush();
      target.getFD().sync();
    }
    out.close();
    Files.move(
        unfinished, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    out = new FileOutputStream(file.toFile(), true);
  }

  @Override
  public void close() throws IOException {
    try (lockChannel) {
      out.close();
    }
  }
}

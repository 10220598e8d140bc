package nixery.image;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.util.List;

/**
 * Packs store paths into layers: compressed tar archives. The bytes are a function of what is
 * packed and of the codec, whatever the host and the number of threads. Entries are sorted, every
 * directory comes before what it contains, everything belongs to root and has the modes of a Nix
 * store.
 *
 * <p>Thread-safe. Calls may run at the same time; they share the threads and the memory, which is 2
 * MiB for each of two more than twice the threads, and what the codec needs for each thread. Memory
 * is taken when it is first needed.
 */
public final class LayerPacker implements AutoCloseable {

  /** Names the form of the archive and its division. Changes whenever the bytes would. */
  private static final String FORM = "tar-1 block-" + BlockPool.BLOCK + " ";

  /** Of directories that layers share: so that one who is not root can unpack the next layer. */
  private static final int SHARED_DIRECTORY_MODE = 0755;

  private static final int EXECUTABLE_MODE = 0555; // and that of directories in the store
  private static final int FILE_MODE = 0444;

  private final Path store;
  private final BlockPool pool;

  /**
   * Makes a packer.
   *
   * @param storeRoot the directory under which {@code nix/store} lies; {@code /} as a rule
   * @param codec compresses
   * @param threads how many blocks are compressed at the same time, at least 1
   */
  public LayerPacker(Path storeRoot, Codec codec, int threads) {
    store = StoreFiles.store(storeRoot);
    pool = new BlockPool(codec, threads);
  }

  /** Returns how layers are compressed. */
  public Compression compression() {
    return pool.codec().compression();
  }

  /** Returns a text that names all that shapes the bytes of a layer, except what is packed. */
  public String format() {
    return FORM + pool.codec().id();
  }

  /**
   * Returns the part of the {@link #format} that does not depend on which library compresses.
   * Layers and images that agree in it can stand in for each other.
   */
  public String family() {
    return FORM + pool.codec().family();
  }

  /**
   * Packs a layer.
   *
   * @param layer the store paths, which must be there and must not change
   * @param target the file to write; replaced if it is there, removed if packing fails
   * @return what was written
   * @throws UnreadableException if a store path cannot be read, or changes while it is read
   * @throws UnpackableException if there is something that a layer cannot hold
   * @throws IOException if writing fails; also if the thread is interrupted
   */
  public PackedLayer pack(Layer layer, Path target) throws IOException {
    return pack(
        tar -> {
          tar.directory("nix", SHARED_DIRECTORY_MODE);
          tar.directory("nix/store", SHARED_DIRECTORY_MODE);
          for (StorePath path : layer.paths()) {
            add(tar, "nix/store/" + path.baseName(), store.resolve(path.baseName()));
          }
        },
        target);
  }

  /**
   * Packs the layer that makes packages visible under the usual paths.
   *
   * @param tree the files and links
   * @param target the file to write; replaced if it is there, removed if packing fails
   * @return what was written
   * @throws IOException if writing fails; also if the thread is interrupted
   */
  public PackedLayer pack(LinkTree tree, Path target) throws IOException {
    return pack(tree::write, target);
  }

  /** Waits for the compression that is going on, ends the threads and frees the memory. */
  @Override
  public void close() {
    pool.close();
  }

  @FunctionalInterface
  private interface Contents {
    void write(TarWriter tar) throws IOException;
  }

  private PackedLayer pack(Contents contents, Path target) throws IOException {
    try (FileChannel out =
            FileChannel.open(
                target,
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE);
        BlockStream blocks = new BlockStream(out, pool)) {
      TarWriter tar = new TarWriter(blocks);
      contents.write(tar);
      tar.finish();
      PackedLayerInfo packed = blocks.finish();
      return new PackedLayer(
          target, packed.digest(), packed.size(), packed.diffId(), packed.compression());
    } catch (IOException | RuntimeException e) {
      try {
        Files.deleteIfExists(target);
      } catch (IOException left) {
        e.addSuppressed(left);
      }
      throw e;
    }
  }

  private static void add(TarWriter tar, String name, Path file) throws IOException {
    List<Path> children = List.of();
    try {
      PosixFileAttributes attributes =
          Files.readAttributes(file, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      if (attributes.isSymbolicLink()) {
        tar.symbolicLink(name, RawNames.linkText(Files.readSymbolicLink(file)));
      } else if (attributes.isRegularFile()) {
        boolean executable = attributes.permissions().contains(PosixFilePermission.OWNER_EXECUTE);
        try (InputStream content = Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS)) {
          tar.file(name, executable ? EXECUTABLE_MODE : FILE_MODE, attributes.size(), content);
        }
      } else if (attributes.isDirectory()) {
        tar.directory(name, EXECUTABLE_MODE);
        children = StoreFiles.children(file);
      } else {
        throw new UnpackableException(
            "a layer cannot hold what is no file, directory or symbolic link");
      }
    } catch (UnwritableException | InterruptedIOException | ClosedByInterruptException e) {
      throw e;
    } catch (UnpackableException e) {
      throw new UnpackableException("/" + name + ": " + e.getMessage());
    } catch (IOException e) {
      // The messages of the former are often nothing but the file.
      String what = e instanceof FileSystemException ? e.toString() : e.getMessage();
      throw new UnreadableException("cannot pack " + file + ": " + what, e);
    }
    for (Path child : children) {
      add(tar, name + "/" + RawNames.last(child), child);
    }
  }
}

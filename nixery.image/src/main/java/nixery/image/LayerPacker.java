package nixery.image;

import java.io.IOException;
import java.nio.file.Path;

/**
 * Packs store paths into layers: tar archives, compressed with gzip. The bytes are a function of
 * what is packed, whatever the host and the number of threads. Thread-safe; calls may run at the
 * same time and share the threads and the buffers, so that memory is constant.
 */
@SuppressWarnings("DoNotCallSuggester")
public final class LayerPacker implements AutoCloseable {

  /** Names the form of the archive and its compression. Changes whenever the bytes would. */
  static final String FORMAT = "tar-1 deflate-1 block-1048576";

  /**
   * Makes a packer.
   *
   * @param storeRoot the directory under which {@code nix/store} lies; {@code /} as a rule
   * @param threads how many blocks are compressed at the same time
   */
  public LayerPacker(Path storeRoot, int threads) {
    throw new UnsupportedOperationException(storeRoot + " " + threads);
  }

  /**
   * Packs a layer.
   *
   * @param layer the store paths, which must be there and must not change
   * @param target the file to write; replaced if it is there, removed if packing fails
   * @return what was written
   * @throws IOException if reading or writing fails, a file changes while it is read, or there is
   *     something that a layer cannot hold; also if the thread is interrupted
   */
  public PackedLayer pack(Layer layer, Path target) throws IOException {
    throw new UnsupportedOperationException();
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
    throw new UnsupportedOperationException();
  }

  /** Waits for the packing that is going on, and ends the threads. */
  @Override
  public void close() {}
}

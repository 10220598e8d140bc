package nixery.image;

import java.lang.foreign.MemorySegment;

/**
 * Compresses blocks, each into a gzip member or zstd frame of its own, so that what was made in
 * parallel can be concatenated. Equal blocks give equal bytes, whatever was compressed before. For
 * one thread at a time.
 */
interface Compressor extends AutoCloseable {

  /** How many bytes longer than the block the compressed bytes can get, for blocks of 1 MiB. */
  int SLACK = 1 << 16;

  /**
   * Compresses a block.
   *
   * @param in the bytes, in native memory
   * @param out native memory for the compressed bytes, {@link #SLACK} longer than the block
   * @return how many compressed bytes there are
   * @throws IllegalStateException if the library fails
   */
  int compress(MemorySegment in, MemorySegment out);

  /** Frees the memory. */
  @Override
  void close();
}

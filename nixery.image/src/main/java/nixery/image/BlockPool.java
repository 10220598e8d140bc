package nixery.image;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;

/**
 * The threads and the memory with which layers are compressed, shared by all that are packed at the
 * same time. Memory is taken when it is first needed and kept until the end. Thread-safe.
 */
final class BlockPool implements AutoCloseable {

  /** How many bytes are compressed at once: the larger, the smaller the layer, by 0.03 % here. */
  static final int BLOCK = 1 << 20;

  private final Codec codec;
  private final ExecutorService compression;
  private final ExecutorService digestion;
  private final Semaphore unused;
  private final Queue<Block> blocks = new ConcurrentLinkedQueue<>(); // of which none was in use
  private final Queue<Compressor> compressors = new ConcurrentLinkedQueue<>();
  private final Arena arena = Arena.ofShared();

  /** Room for one block before and after compression, in native memory. */
  static final class Block {
    private final MemorySegment plain;
    private final MemorySegment compressed;
    private int compressedLength;

    /** What is filled: from the start to the position. */
    final ByteBuffer filled;

    private Block(Arena arena) {
      plain = arena.allocate(BLOCK);
      compressed = arena.allocate(BLOCK + Compressor.SLACK);
      filled = plain.asByteBuffer();
    }

    private void compress(Compressor compressor) {
      compressedLength = compressor.compress(plain.asSlice(0, filled.position()), compressed);
    }

    /** Returns what it was filled with. */
    ByteBuffer plain() {
      return filled.duplicate().flip();
    }

    /** Returns the compressed bytes. */
    ByteBuffer compressed() {
      return compressed.asSlice(0, compressedLength).asByteBuffer();
    }
  }

  /**
   * Starts the threads.
   *
   * @param threads how many blocks are compressed at the same time
   */
  BlockPool(Codec codec, int threads) {
    this.codec = codec;
    compression = threads("compress-", threads);
    digestion = threads("digest-", threads);
    // While some are compressed, others are filled, digested or written.
    unused = new Semaphore(2 * threads + 2);
  }

  private static ExecutorService threads(String name, int count) {
    return Executors.newFixedThreadPool(
        count, Thread.ofPlatform().daemon().name(name, 0).factory());
  }

  /**
   * Waits for an empty block. Whoever has one must not wait for another before it is submitted to
   * {@link #compress}.
   *
   * @throws IOException if there is no memory, or the thread is interrupted
   */
  Block take() throws IOException {
    try {
      unused.acquire();
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
    Block block = blocks.poll();
    if (block == null) {
      try {
        block = new Block(arena);
      } catch (OutOfMemoryError e) {
        unused.release();
        throw new UnwritableException("there is no memory to pack a layer", e);
      }
    }
    block.filled.clear();
    return block;
  }

  static InterruptedIOException interrupted(InterruptedException cause) {
    Thread.currentThread().interrupt();
    InterruptedIOException exception = new InterruptedIOException("packing was interrupted");
    exception.initCause(cause);
    return exception;
  }

  void giveBack(Block block) {
    blocks.add(block);
    unused.release();
  }

  /** Compresses a block, on one of the threads for that. */
  void compress(Block block) {
    Compressor compressor = compressors.poll();
    if (compressor == null) {
      compressor = codec.compressor();
    }
    try {
      block.compress(compressor);
    } finally {
      compressors.add(compressor);
    }
  }

  Codec codec() {
    return codec;
  }

  /** Returns the threads that may call {@link #compress}. */
  ExecutorService compression() {
    return compression;
  }

  /** Returns the threads for everything else. */
  ExecutorService digestion() {
    return digestion;
  }

  /** Waits for what is going on, and frees the memory. */
  @Override
  public void close() {
    compression.close();
    digestion.close();
    compressors.forEach(Compressor::close);
    arena.close();
  }
}

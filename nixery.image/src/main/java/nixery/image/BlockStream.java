package nixery.image;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.security.MessageDigest;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * Compresses what is written to it, block by block on several threads, and computes the digests of
 * both sides on others. The bytes depend on what is written alone: blocks are of a fixed length and
 * independent, and each becomes a gzip member or zstd frame. For one thread.
 */
final class BlockStream extends OutputStream {

  private final WritableByteChannel out;
  private final BlockPool pool;

  private final MessageDigest plainDigest = Digest.sha256();
  private final MessageDigest digest = Digest.sha256();
  private long size;

  private BlockPool.Block filling; // null between blocks
  private CompletableFuture<Void> digested = CompletableFuture.completedFuture(null);
  private CompletableFuture<Void> written = CompletableFuture.completedFuture(null);
  private volatile boolean closed;

  /**
   * Begins.
   *
   * @param out where the compressed bytes go
   * @param pool has all blocks back some time after {@link #close}
   */
  BlockStream(WritableByteChannel out, BlockPool pool) {
    this.out = out;
    this.pool = pool;
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    int end = offset + length;
    for (int i = offset; i < end; ) {
      ByteBuffer room = room();
      int count = Math.min(end - i, room.remaining());
      room.put(bytes, i, count);
      i += count;
    }
  }

  /** Returns room for at least one byte. */
  private ByteBuffer room() throws IOException {
    if (filling != null && !filling.filled.hasRemaining()) {
      submit();
    }
    if (filling == null) {
      filling = pool.take();
    }
    return filling.filled;
  }

  /** Has the block compressed, digested and written, each in the order of the blocks. */
  private void submit() throws IOException {
    if (written.isCompletedExceptionally()) {
      await(written);
    }
    BlockPool.Block block = filling;
    filling = null;
    CompletableFuture<Void> compressed =
        CompletableFuture.runAsync(() -> compress(block), pool.compression());
    digested = digested.thenRunAsync(() -> plainDigest.update(block.plain()), pool.digestion());
    written =
        written.thenCombineAsync(compressed, (_, _) -> write(block.compressed()), pool.digestion());
    var _ =
        CompletableFuture.allOf(compressed, digested, written)
            .whenComplete((_, _) -> pool.giveBack(block));
  }

  private void compress(BlockPool.Block block) {
    if (!closed) {
      pool.compress(block);
    }
  }

  private Void write(ByteBuffer bytes) {
    if (!closed) {
      digest.update(bytes.duplicate());
      size += bytes.remaining();
      try {
        while (bytes.hasRemaining()) {
          out.write(bytes);
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return null;
  }

  private static void await(CompletableFuture<Void> work) throws IOException {
    try {
      work.get();
    } catch (InterruptedException e) {
      throw BlockPool.interrupted(e);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof UncheckedIOException io
          ? new UnwritableException(io.getCause().getMessage(), io.getCause())
          : new UnwritableException("compression failed: " + e.getCause(), e.getCause());
    }
  }

  /** Ends the layer. Nothing may be written after this. */
  PackedLayerInfo finish() throws IOException {
    if (filling != null) {
      submit();
    }
    await(digested);
    await(written);
    return new PackedLayerInfo(
        Digest.of(digest), size, Digest.of(plainDigest), pool.codec().compression());
  }

  /**
   * Stops, as soon as what has begun allows, even if the thread is interrupted. Leaves open what is
   * written to, to which nothing is written after this.
   */
  @Override
  public void close() {
    closed = true;
    if (filling != null) {
      pool.giveBack(filling);
      filling = null;
    }
    CompletableFuture.allOf(digested, written).handle((_, _) -> null).join();
  }
}

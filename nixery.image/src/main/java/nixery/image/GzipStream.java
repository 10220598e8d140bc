package nixery.image;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.zip.CRC32;

/**
 * Compresses what is written into one gzip member (RFC 1952), block by block on several threads.
 * The bytes depend on what is written alone: blocks are of a fixed length and independent. Computes
 * the digests of both sides. For one thread.
 *
 * <p>Blocks are taken from a supply that streams share. A stream that finds none gives back its own
 * first, and waits for those of others only while it holds none; so streams never wait for each
 * other in a circle.
 */
final class GzipStream extends OutputStream {

  /** Deflate; no flags, no time, no extra flags; made on an unknown system. */
  private static final byte[] HEADER = {0x1f, (byte) 0x8b, 8, 0, 0, 0, 0, 0, 0, (byte) 0xff};

  private final OutputStream out;
  private final BlockingQueue<Block> supply;
  private final Executor executor;

  private final CRC32 crc = new CRC32();
  private final MessageDigest plainDigest = Digest.sha256();
  private long plainSize;
  private final MessageDigest digest = Digest.sha256();
  private long size;

  private Block filling; // null between blocks
  private final Deque<Compression> compressions = new ArrayDeque<>(); // oldest first

  /** Room for one block before and after compression. */
  static final class Block {
    private final DeflateEncoder encoder = new DeflateEncoder();
    private final byte[] in = new byte[DeflateEncoder.MOST_INPUT + DeflateEncoder.INPUT_SLACK];
    private final byte[] out = new byte[DeflateEncoder.MOST_INPUT + DeflateEncoder.OUTPUT_SLACK];
    private int inLength;
    private int outLength;

    private void compress() {
      outLength = encoder.encode(in, inLength, out);
    }
  }

  private record Compression(Block block, CompletableFuture<Void> end) {}

  /**
   * Begins a member.
   *
   * @param out where the compressed bytes go
   * @param supply the blocks that may be used; all of them are back after {@link #close}
   * @param executor what compresses
   */
  GzipStream(OutputStream out, BlockingQueue<Block> supply, Executor executor) throws IOException {
    this.out = out;
    this.supply = supply;
    this.executor = executor;
    writeCompressed(HEADER, HEADER.length);
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    crc.update(bytes, offset, length);
    plainDigest.update(bytes, offset, length);
    plainSize += length;
    int written = 0;
    while (written < length) {
      if (filling == null) {
        filling = take();
        filling.inLength = 0;
      }
      int count = Math.min(length - written, DeflateEncoder.MOST_INPUT - filling.inLength);
      System.arraycopy(bytes, offset + written, filling.in, filling.inLength, count);
      filling.inLength += count;
      written += count;
      if (filling.inLength == DeflateEncoder.MOST_INPUT) {
        compress();
      }
    }
  }

  private Block take() throws IOException {
    Block block = supply.poll();
    while (block == null && !compressions.isEmpty()) {
      writeOldest();
      block = supply.poll();
    }
    try {
      return block == null ? supply.take() : block;
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  private void compress() {
    Block block = filling;
    compressions.add(new Compression(block, CompletableFuture.runAsync(block::compress, executor)));
    filling = null;
  }

  private void writeOldest() throws IOException {
    Compression oldest = compressions.element();
    try {
      oldest.end.get();
    } catch (InterruptedException e) {
      throw interrupted(e);
    } catch (ExecutionException e) {
      throw new IOException("compression failed", e.getCause());
    }
    writeCompressed(oldest.block.out, oldest.block.outLength);
    supply.add(compressions.remove().block);
  }

  private void writeCompressed(byte[] bytes, int length) throws IOException {
    digest.update(bytes, 0, length);
    size += length;
    out.write(bytes, 0, length);
  }

  private static InterruptedIOException interrupted(InterruptedException cause) {
    Thread.currentThread().interrupt();
    InterruptedIOException exception = new InterruptedIOException("packing was interrupted");
    exception.initCause(cause);
    return exception;
  }

  /** Ends the member. Nothing may be written after this. */
  PackedLayerInfo finish() throws IOException {
    if (filling != null) {
      compress();
    }
    while (!compressions.isEmpty()) {
      writeOldest();
    }
    writeCompressed(DeflateEncoder.END, DeflateEncoder.END.length);
    ByteBuffer trailer = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    trailer.putInt((int) crc.getValue()).putInt((int) plainSize);
    writeCompressed(trailer.array(), trailer.capacity());
    out.flush();
    return new PackedLayerInfo(Digest.of(digest), size, Digest.of(plainDigest));
  }

  /** Gives back the blocks, once their compression ends. Leaves open what is written to. */
  @Override
  public void close() {
    if (filling != null) {
      supply.add(filling);
      filling = null;
    }
    for (Compression compression : compressions) {
      var _ = compression.end.whenComplete((done, failure) -> supply.add(compression.block));
    }
    compressions.clear();
  }
}

package nixery.image;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/** Makes gzip members (RFC 1952) with the zlib of the Java runtime. */
final class JavaGzip implements Compressor {

  /** Deflate; no flags, no time, no extra flags; made on an unknown system. */
  private static final byte[] HEADER = {0x1f, (byte) 0x8b, 8, 0, 0, 0, 0, 0, 0, (byte) 0xff};

  private final Deflater deflater;
  private final CRC32 crc = new CRC32();

  JavaGzip(int level) {
    deflater = new Deflater(level, true);
  }

  @Override
  public int compress(MemorySegment in, MemorySegment out) {
    ByteBuffer plain = in.asByteBuffer();
    ByteBuffer member = out.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    member.put(HEADER);
    deflater.reset();
    deflater.setInput(plain.duplicate());
    deflater.finish();
    while (!deflater.finished()) {
      if (deflater.deflate(member) == 0) {
        throw new IllegalStateException("zlib wants more room than it may need");
      }
    }
    crc.reset();
    crc.update(plain);
    member.putInt((int) crc.getValue()).putInt((int) in.byteSize());
    return member.position();
  }

  @Override
  public void close() {
    deflater.end();
  }
}

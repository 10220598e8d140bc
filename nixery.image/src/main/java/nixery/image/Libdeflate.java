package nixery.image;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;

/**
 * Makes gzip members with <a href="https://github.com/ebiggers/libdeflate">libdeflate</a>; its
 * functions are described in {@code libdeflate.h}.
 */
final class Libdeflate {

  /** The same in all versions so far. */
  static final String LIBRARY = "libdeflate.so.0";

  private final NativeLibrary.Function allocate;
  private final NativeLibrary.Function compress;
  private final NativeLibrary.Function free;

  /**
   * Finds the functions.
   *
   * @throws CodecException if they are not there
   */
  Libdeflate(NativeLibrary library) {
    allocate =
        library.function("libdeflate_alloc_compressor", FunctionDescriptor.of(ADDRESS, JAVA_INT));
    compress =
        library.function(
            "libdeflate_gzip_compress",
            FunctionDescriptor.of(JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG));
    free = library.function("libdeflate_free_compressor", FunctionDescriptor.ofVoid(ADDRESS));
  }

  /**
   * Makes a compressor.
   *
   * @throws IllegalStateException if there is no memory for it
   */
  Compressor compressor(int level) {
    MemorySegment state = allocate(level);
    return new Compressor() {
      @Override
      public int compress(MemorySegment in, MemorySegment out) {
        return Libdeflate.this.compress(state, in, out);
      }

      @Override
      public void close() {
        free(state);
      }
    };
  }

  private MemorySegment allocate(int level) {
    MemorySegment state;
    try {
      state = (MemorySegment) allocate.handle().invokeExact(level);
    } catch (Throwable e) {
      throw NativeLibrary.unexpected(e);
    }
    if (state.equals(MemorySegment.NULL)) {
      throw new IllegalStateException("libdeflate has no memory for a compressor");
    }
    return state;
  }

  private int compress(MemorySegment state, MemorySegment in, MemorySegment out) {
    long length;
    try {
      length = (long) compress.handle().invokeExact(state, in, in.byteSize(), out, out.byteSize());
    } catch (Throwable e) {
      throw NativeLibrary.unexpected(e);
    }
    if (length == 0) {
      throw new IllegalStateException("libdeflate wants more room than it may need");
    }
    return Math.toIntExact(length);
  }

  private void free(MemorySegment state) {
    try {
      free.handle().invokeExact(state);
    } catch (Throwable e) {
      throw NativeLibrary.unexpected(e);
    }
  }
}

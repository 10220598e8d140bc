package nixery.image;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;

/**
 * Makes zstd frames with <a href="https://github.com/facebook/zstd">libzstd</a>; its functions are
 * described in {@code zstd.h}.
 */
final class Zstd {

  /** The same in all versions since 1.0. */
  static final String LIBRARY = "libzstd.so.1";

  private final NativeLibrary.Function create;
  private final NativeLibrary.Function compress;
  private final NativeLibrary.Function isError;
  private final NativeLibrary.Function free;

  /**
   * Finds the functions.
   *
   * @throws CodecException if they are not there
   */
  Zstd(NativeLibrary library) {
    create = library.function("ZSTD_createCCtx", FunctionDescriptor.of(ADDRESS));
    compress =
        library.function(
            "ZSTD_compressCCtx",
            FunctionDescriptor.of(
                JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_INT));
    isError = library.function("ZSTD_isError", FunctionDescriptor.of(JAVA_INT, JAVA_LONG));
    free = library.function("ZSTD_freeCCtx", FunctionDescriptor.of(JAVA_LONG, ADDRESS));
  }

  /**
   * Makes a compressor.
   *
   * @throws IllegalStateException if there is no memory for it
   */
  Compressor compressor(int level) {
    MemorySegment state = create();
    return new Compressor() {
      @Override
      public int compress(MemorySegment in, MemorySegment out) {
        return Zstd.this.compress(state, in, out, level);
      }

      @Override
      public void close() {
        free(state);
      }
    };
  }

  private MemorySegment create() {
    MemorySegment state;
    try {
      state = (MemorySegment) create.handle().invokeExact();
    } catch (Throwable e) {
      throw NativeLibrary.unexpected(e);
    }
    if (state.equals(MemorySegment.NULL)) {
      throw new IllegalStateException("libzstd has no memory for a compressor");
    }
    return state;
  }

  private int compress(MemorySegment state, MemorySegment in, MemorySegment out, int level) {
    long length;
    boolean failed;
    try {
      length =
          (long)
              compress.handle().invokeExact(state, out, out.byteSize(), in, in.byteSize(), level);
      failed = (int) isError.handle().invokeExact(length) != 0;
    } catch (Throwable e) {
      throw NativeLibrary.unexpected(e);
    }
    if (failed) { // the length is a negated ZSTD_ErrorCode of zstd_errors.h
      throw new IllegalStateException("libzstd fails with code " + -length);
    }
    return Math.toIntExact(length);
  }

  private void free(MemorySegment state) {
    try {
      long _ = (long) free.handle().invokeExact(state);
    } catch (Throwable e) {
      throw NativeLibrary.unexpected(e);
    }
  }
}

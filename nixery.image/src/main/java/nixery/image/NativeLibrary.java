package nixery.image;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Optional;

/** A library of the machine that stays loaded as long as the Java runtime. */
final class NativeLibrary {

  private final SymbolLookup symbols;
  private final String name;

  private NativeLibrary(SymbolLookup symbols, String name) {
    this.symbols = symbols;
    this.name = name;
  }

  /**
   * Loads a library.
   *
   * @param name by which the system's dynamic linker finds it
   * @param file its file, where it is not left to the linker
   * @throws CodecException if it cannot be loaded
   */
  @SuppressWarnings("restricted") // that is what the module is given native access for
  static NativeLibrary load(String name, Optional<Path> file) {
    try {
      return new NativeLibrary(
          file.map(path -> SymbolLookup.libraryLookup(path, Arena.global()))
              .orElseGet(() -> SymbolLookup.libraryLookup(name, Arena.global())),
          file.map(Path::toString).orElse(name));
    } catch (IllegalArgumentException | IllegalCallerException e) {
      throw new CodecException(file.map(Path::toString).orElse(name) + " cannot be loaded", e);
    }
  }

  /**
   * Finds a function.
   *
   * @throws CodecException if the library has none of this name
   */
  Function function(String function, FunctionDescriptor type) {
    return new Function(
        symbols
            .find(function)
            .orElseThrow(() -> new CodecException(name + " cannot be used: it has no " + function)),
        type);
  }

  /**
   * A function of a library. Until it is called first, nothing is generated for calling it: that
   * takes tens of milliseconds, which a start need not wait for.
   */
  static final class Function {
    private final MemorySegment address;
    private final FunctionDescriptor type;
    private volatile MethodHandle handle;

    private Function(MemorySegment address, FunctionDescriptor type) {
      this.address = address;
      this.type = type;
    }

    /** Returns what calls it. */
    @SuppressWarnings("restricted")
    MethodHandle handle() {
      if (handle == null) { // whoever comes at the same time makes another that does the same
        try {
          handle = Linker.nativeLinker().downcallHandle(address, type);
        } catch (UnsupportedOperationException | IllegalCallerException e) {
          throw new CodecException("this Java runtime cannot call native libraries", e);
        }
      }
      return handle;
    }
  }

  /** Functions in C throw nothing; what comes out of a handle is a defect, or a Java error. */
  static AssertionError unexpected(Throwable thrown) {
    switch (thrown) {
      case Error error -> throw error;
      case CodecException unusable -> throw unusable;
      default -> {}
    }
    return new AssertionError(thrown);
  }

  @Override
  public String toString() {
    return name;
  }
}

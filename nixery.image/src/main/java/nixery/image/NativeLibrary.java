package nixery.image;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.NoSuchElementException;
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
   * Returns a function.
   *
   * @throws CodecException if the library has none of this name, or the Java runtime cannot call it
   */
  @SuppressWarnings("restricted")
  MethodHandle function(String function, FunctionDescriptor type) {
    try {
      return Linker.nativeLinker().downcallHandle(symbols.findOrThrow(function), type);
    } catch (NoSuchElementException | UnsupportedOperationException | IllegalCallerException e) {
      throw new CodecException(name + " cannot be used: it has no " + function, e);
    }
  }

  /** Functions in C throw nothing; what comes out of a handle is a defect, or a Java error. */
  static AssertionError unexpected(Throwable thrown) {
    if (thrown instanceof Error error) {
      throw error;
    }
    return new AssertionError(thrown);
  }

  @Override
  public String toString() {
    return name;
  }
}

package nixery.popcount;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import nixery.image.ReferenceGraph;

/** The Nix store of this machine, or the one that {@code NIX_REMOTE} says. */
final class LocalStore {

  /** How much of an error message is repeated. */
  private static final int MESSAGE = 500;

  private LocalStore() {}

  /**
   * Counts all valid paths.
   *
   * @param counter gets them
   * @return how many there are
   * @throws PopcountException if they cannot be listed
   * @throws InterruptedException if the thread was interrupted
   */
  static int count(Counter counter) throws InterruptedException {
    try {
      Process process =
          new ProcessBuilder("nix-store", "--dump-db")
              .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
              .start();
      try {
        return read(process, counter);
      } finally {
        process.destroy();
      }
    } catch (IOException e) {
      throw new PopcountException(
          "nix-store cannot be run: is Nix installed, and its folder on the PATH?", e);
    }
  }

  private static int read(Process process, Counter counter) throws InterruptedException {
    // Both outputs are read at the same time, lest the process wait for ever.
    CompletableFuture<String> message =
        CompletableFuture.supplyAsync(
            () -> tail(process.getErrorStream()), Thread.ofVirtual()::start);
    int[] paths = {0};
    CompletableFuture<Void> dump =
        CompletableFuture.runAsync(
            () -> {
              try (BufferedReader lines =
                  new BufferedReader(
                      new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
                try {
                  ReferenceGraph.readDump(
                      lines,
                      info -> {
                        paths[0]++;
                        counter.add(info.path(), info.narSize(), info.references());
                      });
                } finally {
                  // Nix would fail too if nobody read the rest, and hide the failure here.
                  lines.transferTo(Writer.nullWriter());
                }
              } catch (IOException e) {
                throw new CompletionException(e);
              }
            },
            Thread.ofVirtual()::start);
    int status = process.waitFor();
    if (status != 0) {
      throw new PopcountException(
          "nix-store ended with status %d: %s".formatted(status, message.join()));
    }
    try {
      dump.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof PopcountException cause) {
        throw cause;
      }
      throw new PopcountException(
          "What nix-store says cannot be understood: " + e.getCause().getMessage(), e);
    }
    return paths[0];
  }

  /** Reads to the end, and returns the last lines as one. */
  private static String tail(InputStream in) {
    try (LineReader lines = new LineReader(in, MESSAGE)) {
      String last = "";
      while (lines.advance()) {
        last = (last + " " + lines.line().replaceAll("\\p{Cntrl}", " ").strip()).strip();
        last = last.substring(Math.max(0, last.length() - MESSAGE));
      }
      return last;
    } catch (IOException e) {
      return "its message cannot be read";
    }
  }
}

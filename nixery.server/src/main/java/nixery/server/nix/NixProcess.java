package nixery.server.nix;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.stream.Stream;

/**
 * A command that is run to its end, or to that of the time or memory that it may take. Its input is
 * empty and its working directory {@code /}.
 *
 * @param command the program and its arguments
 * @param hiddenVariables environment variables of this process that it must not see
 * @param environment additional environment variables
 * @param maxOutput how many bytes of standard output are taken before it is ended
 * @param grace how long it has for ending its children when it has to end; then it and they are
 *     killed
 */
record NixProcess(
    List<String> command,
    Set<String> hiddenVariables,
    Map<String, String> environment,
    int maxOutput,
    Duration grace) {

  /** What a line of standard error is cut to, in bytes. */
  static final int MAX_LINE = 1 << 20;

  private static final int EXIT_SIGNALLED = 128;

  /** How long its output may take to be taken when the process is gone. */
  private static final Duration DRAIN = Duration.ofSeconds(10);

  /** How often a stream is looked at: less and less often while nothing comes. */
  private static final Duration SHORTEST_PAUSE = Duration.ofNanos(100_000);

  private static final Duration LONGEST_PAUSE = Duration.ofMillis(16);

  private static final Executor VIRTUAL = task -> Thread.ofVirtual().name("nix-output").start(task);

  /** How it ended. */
  enum End {
    /** By itself. */
    EXIT,
    /** By a signal that did not come from here. */
    SIGNAL,
    /** From here, since the time was up. */
    TIMEOUT,
    /** From here, since it wrote too much. */
    TOO_MUCH_OUTPUT
  }

  /**
   * What is left of it.
   *
   * @param end how it ended
   * @param status its exit status
   * @param output its standard output
   */
  record Result(End end, int status, String output) {

    boolean isSuccess() {
      return end == End.EXIT && status == 0;
    }
  }

  /**
   * Runs it. However this ends, the process is not left, nor what it started if it had to be ended.
   * What it leaves behind by itself may go on; nobody waits for that.
   *
   * @param lines is given each line of standard error as it comes, on one other thread; a line may
   *     be cut. If this throws, the process is ended.
   * @param nanosLeft how long it may go on from now; asked again when that time has gone by
   * @return the result
   * @throws IOException if it could not be started
   * @throws InterruptedException if the calling thread was interrupted
   */
  Result run(Consumer<String> lines, LongSupplier nanosLeft)
      throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.redirectInput(new File("/dev/null"));
    builder.directory(Path.of("/").toFile());
    builder.environment().keySet().removeAll(hiddenVariables);
    builder.environment().putAll(environment);
    Process process = builder.start();
    var end = new CompletableFuture<End>();
    var exit = process.onExit();
    var output =
        CompletableFuture.supplyAsync(
            () -> takeOutput(new Output(process.getInputStream(), exit), end), VIRTUAL);
    var log =
        CompletableFuture.runAsync(
            () -> takeLines(new Output(process.getErrorStream(), exit), lines, end), VIRTUAL);
    var _ = exit.thenRun(() -> end.complete(End.EXIT));
    try {
      await(end, nanosLeft);
    } finally {
      stop(process);
    }
    await(log);
    String text = new String(await(output), StandardCharsets.UTF_8);
    int status = process.exitValue();
    End reason = end.join();
    return new Result(
        reason == End.EXIT && status > EXIT_SIGNALLED ? End.SIGNAL : reason, status, text);
  }

  private static void await(CompletableFuture<End> end, LongSupplier nanosLeft)
      throws InterruptedException {
    while (!end.isDone()) {
      long nanos = nanosLeft.getAsLong();
      if (nanos <= 0) {
        end.complete(End.TIMEOUT);
      } else {
        try {
          end.get(nanos, TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
          // Perhaps there is more time by now.
        } catch (ExecutionException e) {
          return; // thrown when the log is awaited
        }
      }
    }
  }

  private static <T> T await(CompletableFuture<T> drained) throws IOException {
    try {
      return drained.orTimeout(DRAIN.toSeconds(), TimeUnit.SECONDS).join();
    } catch (CompletionException e) {
      switch (e.getCause()) {
        case UncheckedIOException unchecked -> throw unchecked.getCause();
        case RuntimeException thrown -> throw thrown;
        case Error error -> throw error;
        case null, default ->
            throw new IOException("the output of a process that has ended does not end", e);
      }
    }
  }

  /** Ends it with all that it started: first politely, so that Nix can end its builders. */
  private void stop(Process process) {
    if (!process.isAlive()) {
      return;
    }
    // Through the handle, since Process.destroy() closes the streams too: Nix would die of writing
    // to a closed pipe before it has ended its builders.
    ProcessHandle handle = process.toHandle();
    // Who loses its parent is not found any more.
    List<ProcessHandle> before = handle.descendants().toList();
    handle.destroy();
    waitUninterruptibly(process, grace);
    List<ProcessHandle> after = handle.descendants().toList();
    handle.destroyForcibly();
    Stream.concat(before.stream(), after.stream()).forEach(ProcessHandle::destroyForcibly);
    waitUninterruptibly(process, DRAIN);
  }

  private static void waitUninterruptibly(Process process, Duration atMost) {
    boolean interrupted = false;
    long deadline = System.nanoTime() + atMost.toNanos();
    while (true) {
      try {
        process.waitFor(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * A stream that ends with the process, though what the process left behind may hold it open. So
   * no read may block: nothing but its writers can end that.
   */
  private record Output(InputStream stream, Future<?> exit) implements Closeable {

    int read(byte[] buffer) throws IOException {
      long pause = SHORTEST_PAUSE.toNanos();
      while (true) {
        boolean ended = exit.isDone(); // asked first, so that all that it wrote is there
        if (stream.available() > 0) {
          return stream.read(buffer);
        }
        if (ended) {
          return -1;
        }
        try {
          exit.get(pause, TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
          pause = Math.min(2 * pause, LONGEST_PAUSE.toNanos());
        } catch (InterruptedException | ExecutionException e) {
          throw new IOException("the end of a process cannot be awaited", e);
        }
      }
    }

    @Override
    public void close() throws IOException {
      stream.close();
    }
  }

  private byte[] takeOutput(Output stream, CompletableFuture<End> end) {
    var output = new ByteArrayOutputStream();
    byte[] buffer = new byte[1 << 16];
    try (stream) {
      for (int n = stream.read(buffer); n >= 0; n = stream.read(buffer)) {
        if (output.size() + n <= maxOutput) {
          output.write(buffer, 0, n);
        } else {
          end.complete(End.TOO_MUCH_OUTPUT);
        }
      }
    } catch (IOException e) {
      end.completeExceptionally(e);
      throw new UncheckedIOException(e);
    }
    return output.toByteArray();
  }

  private static void takeLines(Output stream, Consumer<String> lines, CompletableFuture<End> end) {
    try (stream) {
      var line = new ByteArrayOutputStream();
      byte[] buffer = new byte[1 << 16];
      for (int n = stream.read(buffer); n >= 0; n = stream.read(buffer)) {
        int start = 0;
        for (int i = 0; i < n; i++) {
          if (buffer[i] == '\n') {
            line.write(buffer, start, Math.min(i - start, MAX_LINE - line.size()));
            lines.accept(line.toString(StandardCharsets.UTF_8));
            line = line.size() > buffer.length ? new ByteArrayOutputStream() : reset(line);
            start = i + 1;
          }
        }
        line.write(buffer, start, Math.min(n - start, MAX_LINE - line.size()));
      }
      if (line.size() > 0) {
        lines.accept(line.toString(StandardCharsets.UTF_8));
      }
    } catch (IOException e) {
      end.completeExceptionally(e);
      throw new UncheckedIOException(e);
    } catch (RuntimeException | Error e) {
      end.completeExceptionally(e);
      throw e;
    }
  }

  private static ByteArrayOutputStream reset(ByteArrayOutputStream line) {
    line.reset();
    return line;
  }
}

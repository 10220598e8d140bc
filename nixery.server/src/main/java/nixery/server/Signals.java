package nixery.server;

import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * The signals that ask a process to end. Java's own reaction to them begins to stop it and ignores
 * the second; people who press Ctrl-C twice mean it.
 */
final class Signals {

  private static final List<String> NAMES = List.of("TERM", "INT");

  /** The status of a process that a signal ended is this and its number. */
  private static final int STATUS = 128;

  private final BlockingQueue<Integer> received = new LinkedBlockingQueue<>();

  private Signals() {}

  /** Takes the signals over. */
  static Signals install() {
    Signals signals = new Signals();
    try {
      // By reflection, since javac warns of this API in a way that nothing suppresses.
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> handler = Class.forName("sun.misc.SignalHandler");
      Method handle = signal.getMethod("handle", signal, handler);
      for (String name : NAMES) {
        Object taken = signal.getConstructor(String.class).newInstance(name);
        int number = (int) signal.getMethod("getNumber").invoke(taken);
        handle.invoke(null, taken, signals.handler(handler, number));
      }
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("the module jdk.unsupported has this API", e);
    }
    return signals;
  }

  private Object handler(Class<?> type, int number) {
    return Proxy.newProxyInstance(
        type.getClassLoader(),
        new Class<?>[] {type},
        (_, method, _) ->
            switch (method.getName()) {
              case "handle" -> {
                received.add(number);
                yield null;
              }
              case "hashCode" -> number;
              case "equals" -> false;
              default -> "handler of signal " + number;
            });
  }

  /**
   * Waits for a signal.
   *
   * @return the status to exit with
   */
  int await() {
    try {
      return STATUS + received.take();
    } catch (InterruptedException e) {
      throw new AssertionError("nobody interrupts this thread", e);
    }
  }

  /** Ends this process and all that it started, without cleaning up, at the next signal. */
  void endAtNext() {
    Thread.ofPlatform()
        .daemon()
        .name("second-signal")
        .start(() -> {
          int status = await();
          ProcessHandle.current().descendants().forEach(ProcessHandle::destroyForcibly);
          Runtime.getRuntime().halt(status);
        });
  }
}

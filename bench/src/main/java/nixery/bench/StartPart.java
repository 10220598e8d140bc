package nixery.bench;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** From exec to the first answer, the memory of a server at rest, and the size of runtimes. */
final class StartPart implements Part {

  private static final int STARTS = 9;

  @Override
  public String name() {
    return "start";
  }

  @Override
  public String summary() {
    return "exec to the first 200, memory at rest, and the size of runtimes";
  }

  @Override
  public void run(Bench bench) throws IOException {
    Path minimal = link(bench);
    starts(bench, "all plugins", Servers.RUNTIME);
    starts(bench, "one storage, one source", minimal);
    size(bench, "all plugins", Servers.RUNTIME, "");
    size(bench, "one storage, one source", minimal, "< 25 MB");
  }

  private void starts(Bench bench, String what, Path runtime) throws IOException {
    List<Double> first = new ArrayList<>();
    List<Double> rest = new ArrayList<>();
    for (int i = 0; i < STARTS; i++) {
      Map<String, String> variables = bench.servers().variables("start");
      int port = freePort();
      variables.put("PORT", "" + port);
      long start = System.nanoTime();
      ProcessBuilder builder =
          new ProcessBuilder(runtime.resolve("bin/nixery").toString())
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .redirectError(ProcessBuilder.Redirect.DISCARD);
      builder.environment().putAll(variables);
      Process process = builder.start();
      try (Server server = new Server("nixery", process.toHandle(), "http://127.0.0.1:" + port)) {
        while (!answers(port)) {
          if (!process.isAlive()) {
            throw new IllegalStateException("the server ended at once");
          }
          Servers.pause(1);
        }
        first.add((System.nanoTime() - start) / 1e6);
        Servers.pause(2_000);
        rest.add(server.mebibytes("VmRSS"));
      }
    }
    bench
        .results()
        .add(
            Figure.of(name(), what + ", first 200", "nixery", "ms", values(first))
                .withGoal("< 300 ms"));
    bench
        .results()
        .add(
            Figure.of(name(), what + ", RSS after 2 s", "nixery", "MiB", values(rest))
                .withGoal("< 80 MiB"));
  }

  private static double[] values(List<Double> samples) {
    return samples.stream().mapToDouble(value -> value).toArray();
  }

  /** Whether {@code GET /v2/} is answered with 200 over a connection of its own. */
  private static boolean answers(int port) {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1_000);
      OutputStream out = socket.getOutputStream();
      out.write("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      InputStream in = socket.getInputStream();
      return new String(in.readNBytes(12), StandardCharsets.US_ASCII).equals("HTTP/1.1 200");
    } catch (IOException e) {
      return false;
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  /** Links the README's runtime of one storage and one source, without debug attributes. */
  private static Path link(Bench bench) throws IOException {
    Path target = bench.servers().folder("link").resolve("nixery");
    Shell.delete(target);
    Shell.run(
        "jlink",
        "@nixery.runtime/jlink.options",
        "--strip-java-debug-attributes",
        "--add-modules",
        "nixery.server,nixery.storage.fs,nixery.source.path",
        "--output",
        target.toString());
    Path command = target.resolve("bin/nixery");
    Files.copy(Servers.PROJECT.resolve("nixery.runtime/nixery"), command);
    Shell.run(command.toString(), "--make-cache");
    return target;
  }

  private void size(Bench bench, String what, Path runtime, String goal) throws IOException {
    double bytes;
    try (var files = Files.walk(runtime)) {
      bytes = files.filter(Files::isRegularFile).mapToLong(file -> file.toFile().length()).sum();
    }
    String packed =
        Shell.run(
            "sh",
            "-c",
            "tar -C \"$1\" --exclude=nixery.aot -cf - . | xz -T2 -6 | wc -c",
            "sh",
            runtime.toString());
    bench
        .results()
        .add(Figure.of(name(), what + ", size with the cache", "nixery", "MB", bytes / 1e6));
    bench
        .results()
        .add(
            Figure.of(
                    name(),
                    what + ", as .tar.xz without the cache",
                    "nixery",
                    "MB",
                    Double.parseDouble(packed) / 1e6)
                .withGoal(goal));
  }
}

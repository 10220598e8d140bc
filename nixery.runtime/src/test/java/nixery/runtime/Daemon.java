package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A container daemon of these tests' own.
 *
 * @param socket in a folder of the daemon's own, since the path of a socket must be short
 */
record Daemon(Process process, Path socket) implements AutoCloseable {

  static Daemon docker(Path folder) throws IOException, InterruptedException {
    return docker(Path.of(""), folder);
  }

  /** Starts the Docker whose programs are in a folder. */
  static Daemon docker(Path programs, Path folder) throws IOException, InterruptedException {
    Path run = Files.createTempDirectory("docker");
    Path socket = run.resolve("docker.sock");
    return start(
        folder,
        socket,
        List.of(programs.resolve("docker").toString(), "-H", "unix://" + socket, "version"),
        programs.resolve("dockerd").toString(),
        "--data-root=" + folder.resolve("data"),
        "--exec-root=" + run.resolve("exec"),
        "--host=unix://" + socket,
        "--pidfile=" + folder.resolve("pid"),
        "--iptables=false",
        "--ip6tables=false",
        "--bridge=none",
        "--exec-opt=native.cgroupdriver=cgroupfs");
  }

  static Daemon containerd(Path folder) throws IOException, InterruptedException {
    Path run = Files.createTempDirectory("containerd");
    Path socket = run.resolve("containerd.sock");
    return start(
        folder,
        socket,
        List.of("ctr", "-a", socket.toString(), "version"),
        "containerd",
        "--root=" + folder.resolve("root"),
        "--state=" + run.resolve("state"),
        "--address=" + socket);
  }

  private static Daemon start(Path folder, Path socket, List<String> probe, String... command)
      throws IOException, InterruptedException {
    Files.createDirectories(folder);
    Path log = folder.resolve("log");
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    long deadline = System.nanoTime() + Duration.ofMinutes(1).toNanos();
    while (Shell.attempt(probe).status() != 0) {
      if (System.nanoTime() > deadline || !process.isAlive()) {
        process.destroy();
        throw new AssertionError(command[0] + " does not start: " + Files.readString(log));
      }
      Thread.sleep(100);
    }
    return new Daemon(process, socket);
  }

  /** Joins the words of a command. */
  static String[] command(String[] program, String... arguments) {
    List<String> words = new ArrayList<>(List.of(program));
    words.addAll(List.of(arguments));
    return words.toArray(String[]::new);
  }

  @Override
  public void close() {
    process.destroy();
    try {
      assertThat(process.waitFor(1, TimeUnit.MINUTES)).as("the daemon stops").isTrue();
      // Where containers had the machine's own network, docker leaves a mount.
      Path network = socket.resolveSibling("exec/netns/default");
      if (Files.exists(network)) {
        Shell.attempt(List.of("umount", network.toString()));
      }
      Shell.run("rm", "-rf", socket.getParent().toString());
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}

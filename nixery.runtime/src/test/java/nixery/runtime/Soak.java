package nixery.runtime;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Pulls, pulls that are broken off, failures and builds of ever new contents, all at the same time,
 * from a linked runtime. Tells what of the server is more afterwards than before. Needs nothing but
 * the JDK, so that {@code bench/soak} can run it from its source.
 */
final class Soak {

  /**
   * How much there is of something, in the server or where it keeps its files.
   *
   * @param heap bytes that are in use after garbage collection
   * @param threads of the platform
   * @param descriptors open files and sockets
   * @param spooled files in the spool; one of them is a lock
   * @param leases that are held
   * @param roots of Nix's garbage collector and a lock; for an hour there may be one for each
   *     package that was built, within bounds, so that this is shown and not judged
   */
  record Usage(long heap, long threads, long descriptors, long spooled, long leases, long roots) {}

  /**
   * What came of it.
   *
   * @param before after a while of everything
   * @param after all of it
   * @param done how often each thing was done
   * @param wrong what the server should not have answered
   */
  record Report(Usage before, Usage after, Map<String, Long> done, List<String> wrong) {

    /** Caches may hold a little more than before. */
    boolean isGood() {
      return wrong.isEmpty()
          && after.heap <= before.heap + before.heap / 4 + HEAP_SLACK
          && after.threads <= before.threads + SLACK
          && after.descriptors <= before.descriptors + SLACK
          && after.spooled <= before.spooled
          && after.leases <= before.leases;
    }

    @Override
    public String toString() {
      StringBuilder text = new StringBuilder("done: ").append(done).append("\n\n");
      text.append("| | before | after |\n|---|---|---|\n");
      row(text, "heap after collection, KiB", before.heap / 1024, after.heap / 1024);
      row(text, "platform threads", before.threads, after.threads);
      row(text, "open files and sockets", before.descriptors, after.descriptors);
      row(text, "spooled files", before.spooled, after.spooled);
      row(text, "leases", before.leases, after.leases);
      row(text, "roots of Nix's collector", before.roots, after.roots);
      wrong.stream().limit(20).forEach(line -> text.append("WRONG: ").append(line).append('\n'));
      return text.append(isGood() ? "as before" : "NOT as before").toString();
    }

    private static void row(StringBuilder text, String name, long before, long after) {
      text.append("| %s | %d | %d |%n".formatted(name, before, after));
    }
  }

  private static final long HEAP_SLACK = 8L << 20;
  private static final long SLACK = 3;
  private static final Duration SETTLING = Duration.ofSeconds(60);
  private static final Pattern LISTENS = Pattern.compile("Nixery listens on port (\\d+)\\..*");
  private static final Pattern BLOB =
      Pattern.compile("\"size\":(\\d+),\"digest\":\"(sha256:[0-9a-f]{64})\"");
  private static final List<String> IMAGES = List.of("hello", "jq", "nano", "shell/hello");
  private static final List<String> FAILURES = List.of("helo", "hello/nothing");

  /** One for each time of work, so that its connections are closed when the server is looked at. */
  private volatile HttpClient client = HttpClient.newHttpClient();

  private final Map<String, AtomicLong> done = new TreeMap<>();
  private final Queue<String> wrong = new ConcurrentLinkedQueue<>();
  private final AtomicInteger version = new AtomicInteger();
  private final Path project;
  private final Path folder;
  private final Path repository;
  private final Process server;
  private final int port;
  private volatile boolean running = true;

  private Soak(Path project, Path folder) throws IOException, InterruptedException {
    this.project = project;
    this.folder = folder;
    this.repository = Files.createDirectories(folder.resolve("repository"));
    git("init", "-q");
    commit();
    ProcessBuilder builder =
        new ProcessBuilder(project.resolve("nixery.runtime/target/nixery/bin/nixery").toString());
    Path nix = Files.createDirectories(project.resolve("nixery.runtime/target/nix"));
    builder
        .environment()
        .putAll(
            Map.of(
                "PORT", "0",
                "NIXERY_HOST", "127.0.0.1",
                "NIXERY_STORAGE_BACKEND", "filesystem",
                "STORAGE_PATH", folder.resolve("storage").toString(),
                "NIXERY_CACHE", folder.resolve("cache").toString(),
                "NIXERY_PKGS_PATH", "",
                "NIXERY_PKGS_REPO", repository.toUri().toString(),
                "NIXERY_GRACE", "5",
                "NIX_REMOTE", nix.toString()));
    this.server = builder.redirectError(folder.resolve("log").toFile()).start();
    String line = server.inputReader().readLine();
    Matcher listens = LISTENS.matcher(line == null ? "" : line);
    if (!listens.matches()) {
      throw new IOException(
          "the server does not start: " + Files.readString(folder.resolve("log")));
    }
    this.port = Integer.parseInt(listens.group(1));
    for (String name : List.of("pulls", "broken off", "failures", "builds")) {
      done.put(name, new AtomicLong());
    }
  }

  /**
   * Does it.
   *
   * @param project the folder of the project, whose runtime is linked
   * @param folder an empty one, for all that the server writes
   * @param duration for how long
   */
  static Report run(Path project, Path folder, Duration duration)
      throws IOException, InterruptedException {
    Soak soak = new Soak(project, folder);
    try {
      // What grows once, such as loaded classes, is there before the first look.
      Duration warmUp =
          duration.dividedBy(3).compareTo(Duration.ofMinutes(1)) < 0
              ? duration.dividedBy(3)
              : Duration.ofMinutes(1);
      soak.work(warmUp);
      Usage before = soak.settled(_ -> true);
      soak.work(duration.minus(warmUp));
      Map<String, Long> counts = new TreeMap<>();
      soak.done.forEach((name, count) -> counts.put(name, count.get()));
      List<String> wrong = List.copyOf(soak.wrong);
      Usage after = soak.settled(usage -> new Report(before, usage, counts, List.of()).isGood());
      return new Report(before, after, counts, wrong);
    } finally {
      soak.server.destroy();
      if (!soak.server.waitFor(1, TimeUnit.MINUTES)) {
        soak.server.destroyForcibly();
      }
      soak.client.close();
    }
  }

  /** Runs it from the command line: {@code Soak <project> [seconds]}. */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    Path folder = Files.createTempDirectory("soak");
    int seconds = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 600;
    Report report =
        run(Path.of(arguments[0]).toAbsolutePath(), folder, Duration.ofSeconds(seconds));
    System.out.println(report);
    if (!report.isGood()) {
      System.out.println("the server's files and log are in " + folder);
      System.exit(1);
    }
    new ProcessBuilder("rm", "-rf", folder.toString()).start().waitFor();
  }

  // Work

  @FunctionalInterface
  private interface Task {
    void run(RandomGenerator random) throws IOException, InterruptedException;
  }

  private void work(Duration duration) throws InterruptedException {
    running = true;
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Task> tasks = new ArrayList<>(List.of(this::build, this::fail));
      for (int i = 0; i < 3; i++) {
        tasks.add(this::pull);
        tasks.add(this::breakOff);
      }
      tasks.forEach(task -> executor.execute(() -> repeat(task)));
      Thread.sleep(duration);
      running = false;
    }
    client.close();
    client = HttpClient.newHttpClient();
  }

  private void repeat(Task task) {
    RandomGenerator random = RandomGenerator.getDefault();
    while (running) {
      try {
        task.run(random);
        Thread.sleep(random.nextInt(50));
      } catch (IOException e) {
        wrong.add(e.toString());
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private static String one(List<String> names, RandomGenerator random) {
    return names.get(random.nextInt(names.size()));
  }

  private HttpResponse<byte[]> get(String path) throws IOException, InterruptedException {
    return client.send(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
            .timeout(Duration.ofMinutes(5))
            .build(),
        HttpResponse.BodyHandlers.ofByteArray());
  }

  private void pull(RandomGenerator random) throws IOException, InterruptedException {
    pull(one(IMAGES, random));
    done.get("pulls").incrementAndGet();
  }

  private void pull(String name) throws IOException, InterruptedException {
    HttpResponse<byte[]> manifest = get("/v2/" + name + "/manifests/latest");
    if (manifest.statusCode() != 200) {
      wrong.add(name + ": " + text(manifest));
      return;
    }
    Matcher blob = BLOB.matcher(text(manifest));
    while (blob.find()) {
      HttpResponse<byte[]> content = get("/v2/" + name + "/blobs/" + blob.group(2));
      if (content.statusCode() != 200 || content.body().length != Integer.parseInt(blob.group(1))) {
        wrong.add(blob.group() + ": " + content.statusCode());
      }
    }
  }

  /** Leaves in the middle of a blob, or while an image may be being built. */
  private void breakOff(RandomGenerator random) throws IOException, InterruptedException {
    String name = one(IMAGES, random);
    String path = "/v2/" + name + "/manifests/latest";
    if (random.nextBoolean()) {
      Matcher blob = BLOB.matcher(text(get(path)));
      while (blob.find()) {
        path = "/v2/" + name + "/blobs/" + blob.group(2);
      }
    } else if (random.nextBoolean()) {
      path = "/v2/counter/manifests/latest";
    }
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket
          .getOutputStream()
          .write(
              ("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
      if (random.nextBoolean()) {
        socket.getInputStream().readNBytes(random.nextInt(1000));
      }
    }
    done.get("broken off").incrementAndGet();
  }

  private void fail(RandomGenerator random) throws IOException, InterruptedException {
    String name = one(FAILURES, random);
    HttpResponse<byte[]> answer = get("/v2/" + name + "/manifests/latest");
    if (answer.statusCode() != 404) {
      wrong.add(name + ": " + text(answer));
    }
    done.get("failures").incrementAndGet();
  }

  /** Changes the package set, and builds what has changed. */
  private void build(RandomGenerator random) throws IOException, InterruptedException {
    commit();
    pull("counter");
    pull("counter/hello");
    done.get("builds").incrementAndGet();
    Thread.sleep(500);
  }

  private void commit() throws IOException, InterruptedException {
    Files.writeString(
        repository.resolve("default.nix"),
        """
        { system ? builtins.currentSystem, ... }:
        let demo = import %s { inherit system; };
        in demo // {
          counter = derivation {
            name = "counter-%d";
            system = builtins.currentSystem;
            builder = "${demo.bash}/bin/bash";
            PATH = "${demo.coreutils}/bin";
            args = [ "-euc" "mkdir $out; echo %2$d > $out/count" ];
          };
        }
        """
            .formatted(project.resolve("demo"), version.incrementAndGet()));
    git("add", ".");
    git("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "-m", "change");
  }

  private void git(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("git", "-C", repository.toString()));
    command.addAll(List.of(arguments));
    if (new ProcessBuilder(command).inheritIO().start().waitFor() != 0) {
      throw new IOException("git fails: " + command);
    }
  }

  private static String text(HttpResponse<byte[]> response) {
    return new String(response.body(), StandardCharsets.UTF_8);
  }

  // Usage

  /** Looks again and again until nothing is being built and all is as it should be. */
  private Usage settled(Predicate<Usage> asItShouldBe) throws IOException, InterruptedException {
    long end = System.nanoTime() + SETTLING.toNanos();
    while (true) {
      Usage usage = usage();
      boolean quiet = usage.leases == 0 && metric("nixery_builds_running") == 0;
      if ((quiet && asItShouldBe.test(usage)) || System.nanoTime() > end) {
        return usage;
      }
      Thread.sleep(500);
    }
  }

  private Usage usage() throws IOException, InterruptedException {
    String jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
    Process collection =
        new ProcessBuilder(jcmd, Long.toString(server.pid()), "GC.run")
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    if (collection.waitFor() != 0) {
      throw new IOException("jcmd cannot make the server collect its garbage");
    }
    return new Usage(
        metric("jvm_memory_used_bytes{area=\"heap\"}"),
        metric("jvm_threads_current"),
        metric("process_open_fds"),
        files("storage/spool"),
        files("storage/records/leases"),
        files("cache/roots"));
  }

  private long metric(String name) throws IOException, InterruptedException {
    return text(get("/metrics"))
        .lines()
        .filter(line -> line.startsWith(name + " "))
        .map(line -> (long) Double.parseDouble(line.substring(name.length() + 1)))
        .findFirst()
        .orElseThrow(() -> new IOException("the server has no metric " + name));
  }

  private long files(String path) throws IOException {
    Path tree = folder.resolve(path);
    if (!Files.exists(tree)) {
      return 0;
    }
    try (Stream<Path> walk = Files.walk(tree)) {
      return walk.filter(file -> !Files.isDirectory(file)).count();
    } catch (java.io.UncheckedIOException e) {
      return Long.MAX_VALUE; // something has just been taken away; look again
    }
  }
}

package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * What each client can do with this registry, as {@code docs/clients.md} has it. The table there is
 * what these tests find out; they write it into that document if {@code NIXERY_WRITE_CLIENTS} is
 * set, and else compare.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ClientTableTests {

  private static final String NOT_APPLICABLE = "–";
  private static final String WORKS = "works";

  /** What people do with images. */
  private enum Operation {
    PULL("pull by tag"),
    PULL_DIGEST("pull by digest"),
    PULL_PLATFORM("pull for another platform"),
    RUN("run"),
    INSPECT("inspect without a pull"),
    TAGS("list tags"),
    REFERRERS("list referrers"),
    COPY_ALL("copy all platforms"),
    RESUME("download that breaks off"),
    UNKNOWN_PACKAGE("unknown package"),
    UNKNOWN_TAG("unknown tag"),
    FAILED_BUILD("build that fails");

    final String title;

    Operation(String title) {
      this.title = title;
    }
  }

  /** Finds out what becomes of an operation, in a word or two. */
  @FunctionalInterface
  private interface Trial {
    String result() throws Exception;
  }

  /** A client: its version, and what it is tried with. */
  private record Client(String version, Map<Operation, Trial> trials) {

    Client(String version) {
      this(version, new EnumMap<>(Operation.class));
    }

    Client with(Operation operation, Trial trial) {
      trials.put(operation, trial);
      return this;
    }
  }

  private Path folder;
  private TestServer server;
  private BreakingProxy proxy;
  private String digest;
  private final List<AutoCloseable> daemons = new ArrayList<>();

  @BeforeAll
  void start() throws IOException {
    folder = Files.createTempDirectory("table");
    server =
        TestServer.start(
            folder.resolve("server"),
            Map.of(
                "NIXERY_PLATFORMS",
                "linux/amd64,linux/arm64",
                "NIXERY_PKGS_PATH",
                TestServer.DEMO.resolve("fixtures.nix").toString()));
    proxy = BreakingProxy.start(server.port());
    HttpResponse<byte[]> list =
        server.get(
            "/v2/hello/manifests/latest",
            "Accept",
            "application/vnd.docker.distribution.manifest.list.v2+json");
    assertThat(list.statusCode()).as(Pull.text(list.body())).isEqualTo(200);
    digest = Pull.digest(list.body());
  }

  @AfterAll
  void stop() throws Exception {
    for (AutoCloseable daemon : daemons) {
      daemon.close();
    }
    proxy.close();
    server.close();
    // Podman leaves this mounted, on some machines.
    Shell.attempt(List.of("umount", "-l", folder.resolve("podman/overlay").toString()));
    Shell.run("rm", "-rf", folder.toString());
  }

  private String host() {
    return "127.0.0.1:" + server.port();
  }

  private String image(String name) {
    return host() + "/" + name;
  }

  // Trials

  private static String attempt(Predicate<String> expected, String... command) {
    Shell.Result result = Shell.attempt(List.of(command));
    if (result.status() == 0 && expected.test(result.output())) {
      return WORKS;
    }
    return "fails: " + result.output().strip().replaceAll("\\s+", " ");
  }

  private static Trial works(String... command) {
    return works(_ -> true, command);
  }

  private static Trial works(Predicate<String> expected, String... command) {
    return () -> attempt(expected, command);
  }

  private static Trial both(Trial first, Trial then) {
    return () -> {
      String result = first.result();
      return result.equals(WORKS) ? then.result() : result;
    };
  }

  /** Tells how much of the server's message people get to see. */
  private static Trial shows(String message, String... command) {
    return () -> {
      Shell.Result result = Shell.attempt(List.of(command));
      assertThat(result.status()).as(result.output()).isNotZero();
      return result.output().contains(message)
          ? "shows why"
          : result.output().contains("not found")
              ? "says “not found”"
              : "fails: " + result.output().strip();
    };
  }

  private static final String WHY_PACKAGE = "no package 'helo'";
  private static final String WHY_TAG = "no tag 'v9'";
  private static final String WHY_BUILD = "the reason is 42";

  /** Adds the three ways to fail, given the words before and after the name of the image. */
  private Client failures(Client client, List<String> before, String prefix) {
    return client
        .with(Operation.UNKNOWN_PACKAGE, shows(WHY_PACKAGE, words(before, prefix, "helo:latest")))
        .with(Operation.UNKNOWN_TAG, shows(WHY_TAG, words(before, prefix, "hello:v9")))
        .with(Operation.FAILED_BUILD, shows(WHY_BUILD, words(before, prefix, "failing:latest")));
  }

  private String[] words(List<String> before, String prefix, String name) {
    List<String> words = new ArrayList<>(before);
    words.add(prefix + image(name));
    return words.toArray(String[]::new);
  }

  /** Breaks off the first large download, and tells what the client makes of that. */
  private Trial resumes(String... command) {
    return () -> {
      proxy.breakNext();
      Shell.Result result = Shell.attempt(List.of(command));
      if (result.status() != 0) {
        Shell.run(command);
        return "fails; works when repeated";
      }
      return proxy.wasResumed() ? "resumes" : "starts again";
    };
  }

  // Clients

  private static String version(String... command) {
    Matcher version = Pattern.compile("\\d+\\.\\d+[-+.~\\w]*").matcher(Shell.run(command));
    assertThat(version.find()).isTrue();
    return version.group();
  }

  private Client docker(Path programs) throws Exception {
    Daemon daemon = Daemon.docker(programs, folder.resolve("docker" + daemons.size()));
    daemons.add(daemon);
    String[] docker = {program(programs, "docker"), "-H", "unix://" + daemon.socket()};
    String hello = image("hello");
    return failures(
        new Client(version(Daemon.command(docker, "version", "--format={{.Server.Version}}")))
            .with(Operation.PULL, works(Daemon.command(docker, "pull", "-q", hello)))
            .with(
                Operation.PULL_DIGEST,
                works(Daemon.command(docker, "pull", "-q", hello + "@" + digest)))
            .with(
                Operation.RUN,
                works(
                    output -> output.contains("Hello, world!"),
                    Daemon.command(docker, "run", "--rm", "--network=none", hello, "hello")))
            .with(
                Operation.INSPECT,
                works(
                    output -> output.contains("arm64"),
                    Daemon.command(docker, "manifest", "inspect", "--insecure", hello)))
            .with(
                Operation.PULL_PLATFORM,
                both(
                    works(
                        Daemon.command(
                            docker, "pull", "-q", "--platform", "linux/arm64", image("jq"))),
                    works(
                        output -> output.contains("arm64"),
                        Daemon.command(
                            docker,
                            "image",
                            "inspect",
                            "--format={{.Architecture}}",
                            image("jq")))))
            .with(
                Operation.RESUME,
                resumes(Daemon.command(docker, "pull", "-q", proxy.host() + "/git"))),
        List.of(Daemon.command(docker, "pull", "-q")),
        "");
  }

  private static String program(Path programs, String name) {
    return programs.toString().isEmpty() ? name : programs.resolve(name).toString();
  }

  private Client podman() {
    String[] podman = {
      "podman",
      "--root=" + folder.resolve("podman"),
      "--runroot=" + folder.resolve("podman-run"),
      "--storage-driver=overlay",
      "--runtime=runc",
      "--cgroup-manager=cgroupfs"
    };
    String[] pull = Daemon.command(podman, "pull", "-q", "--tls-verify=false");
    String hello = image("hello");
    return failures(
        new Client(version("podman", "--version"))
            .with(Operation.PULL, works(Daemon.command(pull, hello)))
            .with(Operation.PULL_DIGEST, works(Daemon.command(pull, hello + "@" + digest)))
            .with(
                Operation.RUN,
                works(
                    output -> output.contains("Hello, world!"),
                    Daemon.command(
                        podman,
                        "run",
                        "--rm",
                        "--network=none",
                        "--ulimit=nofile=1024:1024",
                        "--ulimit=nproc=4096:4096",
                        hello,
                        "hello")))
            .with(
                Operation.PULL_PLATFORM,
                both(
                    works(Daemon.command(pull, "--arch=arm64", image("jq"))),
                    works(
                        output -> output.contains("arm64"),
                        Daemon.command(
                            podman,
                            "image",
                            "inspect",
                            "--format={{.Architecture}}",
                            image("jq")))))
            .with(
                Operation.TAGS,
                works(
                    output -> output.contains("latest"),
                    Daemon.command(podman, "search", "--list-tags", "--tls-verify=false", hello)))
            .with(Operation.RESUME, resumes(Daemon.command(pull, proxy.host() + "/git"))),
        List.of(pull),
        "");
  }

  private Client skopeo() {
    String[] copy = {"skopeo", "--insecure-policy", "copy", "--src-tls-verify=false"};
    String hello = "docker://" + image("hello");
    String layout = "oci:" + folder.resolve("skopeo") + ":";
    return failures(
        new Client(version("skopeo", "--version"))
            .with(Operation.PULL, works(Daemon.command(copy, hello, layout + "tag")))
            .with(
                Operation.PULL_DIGEST,
                works(Daemon.command(copy, hello + "@" + digest, layout + "digest")))
            .with(
                Operation.PULL_PLATFORM,
                both(
                    works(
                        "skopeo",
                        "--insecure-policy",
                        "--override-arch=arm64",
                        "copy",
                        "--src-tls-verify=false",
                        hello,
                        layout + "arm64"),
                    works(
                        output -> output.contains("\"Architecture\": \"arm64\""),
                        "skopeo",
                        "--override-arch=arm64",
                        "inspect",
                        layout + "arm64")))
            .with(
                Operation.INSPECT,
                works(
                    output -> output.contains("\"Architecture\": \"amd64\""),
                    "skopeo",
                    "inspect",
                    "--tls-verify=false",
                    hello))
            .with(
                Operation.TAGS,
                works(
                    output -> output.contains("\"latest\""),
                    "skopeo",
                    "list-tags",
                    "--tls-verify=false",
                    hello))
            .with(
                Operation.COPY_ALL,
                works(Daemon.command(copy, "--all", hello, "dir:" + folder.resolve("skopeo-all"))))
            .with(
                Operation.RESUME,
                resumes(Daemon.command(copy, "docker://" + proxy.host() + "/git", layout + "big"))),
        List.of("skopeo", "inspect", "--tls-verify=false"),
        "docker://");
  }

  private Client containerd() throws Exception {
    Daemon daemon = Daemon.containerd(folder.resolve("containerd"));
    daemons.add(daemon);
    String[] ctr = {"ctr", "-a", daemon.socket().toString()};
    String[] pull = Daemon.command(ctr, "images", "pull", "--plain-http");
    String hello = image("hello:latest");
    return failures(
        new Client(version("containerd", "--version"))
            .with(Operation.PULL, works(Daemon.command(pull, hello)))
            .with(Operation.PULL_DIGEST, works(Daemon.command(pull, image("hello") + "@" + digest)))
            .with(
                Operation.RUN,
                works(
                    output -> output.contains("Hello, world!"),
                    Daemon.command(
                        ctr, "run", "--rm", "--snapshotter=native", hello, "test", "hello")))
            .with(
                Operation.PULL_PLATFORM,
                works(Daemon.command(pull, "--platform=linux/arm64", image("jq:latest"))))
            .with(
                Operation.COPY_ALL,
                works(Daemon.command(pull, "--all-platforms", image("nano:latest"))))
            .with(Operation.RESUME, resumes(Daemon.command(pull, proxy.host() + "/git:latest"))),
        List.of(pull),
        "");
  }

  private Client crane(Path programs) throws IOException {
    String crane = programs.resolve("crane").toString();
    String hello = image("hello");
    return failures(
        new Client(packaged(programs, "crane"))
            .with(Operation.PULL, works(crane, "validate", "--insecure", "--remote", hello))
            .with(
                Operation.PULL_DIGEST,
                works(crane, "validate", "--insecure", "--remote", hello + "@" + digest))
            .with(
                Operation.PULL_PLATFORM,
                works(
                    crane,
                    "pull",
                    "--insecure",
                    "--platform=linux/arm64",
                    hello,
                    folder.resolve("crane.tar").toString()))
            .with(
                Operation.INSPECT,
                works(output -> output.contains("arm64"), crane, "manifest", "--insecure", hello))
            .with(
                Operation.TAGS,
                works(output -> output.contains("latest"), crane, "ls", "--insecure", hello))
            .with(
                Operation.COPY_ALL,
                works(
                    crane,
                    "pull",
                    "--insecure",
                    "--format=oci",
                    hello,
                    folder.resolve("crane").toString()))
            .with(
                Operation.RESUME,
                resumes(
                    crane,
                    "pull",
                    "--insecure",
                    "--platform=linux/amd64",
                    proxy.host() + "/git",
                    folder.resolve("crane-big.tar").toString())),
        List.of(crane, "manifest", "--insecure"),
        "");
  }

  private Client oras(Path programs) throws IOException {
    String oras = programs.resolve("oras").toString();
    String hello = image("hello");
    String[] copy = {oras, "copy", "--from-plain-http", "--to-oci-layout"};
    String layout = folder.resolve("oras") + ":";
    return failures(
        new Client(packaged(programs, "oras"))
            .with(
                Operation.PULL,
                works(
                    Daemon.command(
                        copy, "--platform=linux/amd64", hello + ":latest", layout + "tag")))
            .with(
                Operation.PULL_DIGEST,
                works(Daemon.command(copy, hello + "@" + digest, layout + "digest")))
            .with(
                Operation.PULL_PLATFORM,
                works(
                    Daemon.command(
                        copy, "--platform=linux/arm64", hello + ":latest", layout + "arm64")))
            .with(
                Operation.INSPECT,
                works(
                    output -> output.contains("arm64"),
                    oras,
                    "manifest",
                    "fetch",
                    "--plain-http",
                    hello + ":latest"))
            .with(
                Operation.TAGS,
                works(
                    output -> output.contains("latest"),
                    oras,
                    "repo",
                    "tags",
                    "--plain-http",
                    hello))
            .with(Operation.REFERRERS, works(oras, "discover", "--plain-http", hello + ":latest"))
            .with(
                Operation.COPY_ALL, works(Daemon.command(copy, hello + ":latest", layout + "all")))
            .with(
                Operation.RESUME,
                resumes(
                    Daemon.command(
                        copy,
                        "--platform=linux/amd64",
                        proxy.host() + "/git:latest",
                        layout + "big"))),
        List.of(oras, "manifest", "fetch", "--plain-http"),
        "");
  }

  /** What the package says: the program may have been built without its version. */
  private static String packaged(Path programs, String name) throws IOException {
    return Files.readAllLines(programs.resolveSibling("versions")).stream()
        .filter(line -> line.startsWith(name + " "))
        .map(line -> line.substring(name.length() + 1).strip())
        .findFirst()
        .orElseThrow();
  }

  private Client curl() {
    String base = "http://" + host() + "/v2/";
    String[] curl = {"curl", "-sS", "--fail-with-body"};
    Path part = folder.resolve("part");
    Client client =
        new Client(version("curl", "--version"))
            .with(Operation.PULL, () -> pulled("hello", "latest"))
            .with(
                Operation.PULL_DIGEST,
                works(
                    output -> Pull.digest(output.getBytes(StandardCharsets.UTF_8)).equals(digest),
                    Daemon.command(curl, base + "hello/manifests/" + digest)))
            .with(Operation.PULL_PLATFORM, () -> pulled("arm64/hello", "latest"))
            .with(
                Operation.INSPECT,
                works(
                    output -> output.contains("arm64"),
                    Daemon.command(curl, "-HAccept: */*", base + "hello/manifests/latest")))
            .with(
                Operation.TAGS,
                works(
                    output -> output.contains("[\"latest\"]"),
                    Daemon.command(curl, base + "hello/tags/list")))
            .with(
                Operation.REFERRERS,
                works(
                    output -> output.contains("\"manifests\":[]"),
                    Daemon.command(curl, base + "hello/referrers/" + digest)))
            .with(
                Operation.RESUME,
                () -> {
                  String blob = largest("git");
                  proxy.breakNext();
                  String url = "http://" + proxy.host() + "/v2/git/blobs/" + blob;
                  Shell.attempt(List.of("curl", "-sS", "-o", part.toString(), url));
                  Shell.run("curl", "-sS", "-C", "-", "-o", part.toString(), url);
                  assertThat(Pull.digest(Files.readAllBytes(part))).isEqualTo(blob);
                  return proxy.wasResumed() ? "resumes" : "starts again";
                });
    BiTrial refused = (message, path) -> shows(message, Daemon.command(curl, base + path));
    return client
        .with(Operation.UNKNOWN_PACKAGE, refused.of(WHY_PACKAGE, "helo/manifests/latest"))
        .with(Operation.UNKNOWN_TAG, refused.of(WHY_TAG, "hello/manifests/v9"))
        .with(Operation.FAILED_BUILD, refused.of(WHY_BUILD, "failing/manifests/latest"));
  }

  @FunctionalInterface
  private interface BiTrial {
    Trial of(String message, String path);
  }

  private String pulled(String name, String tag) {
    Pull.image(server, name, tag, TestServer.OCI_MANIFEST);
    return WORKS;
  }

  private String largest(String name) {
    String manifest =
        Pull.text(
            server
                .get("/v2/" + name + "/manifests/latest", "Accept", TestServer.OCI_MANIFEST)
                .body());
    Matcher descriptor =
        Pattern.compile("\"size\":(\\d+),\"digest\":\"(sha256:[0-9a-f]{64})\"").matcher(manifest);
    String largest = "";
    long size = -1;
    while (descriptor.find()) {
      if (Long.parseLong(descriptor.group(1)) > size) {
        size = Long.parseLong(descriptor.group(1));
        largest = descriptor.group(2);
      }
    }
    return largest;
  }

  // The table

  @Test
  void theTableInTheDocumentIsTrue() throws Exception {
    SequencedMap<String, Client> clients = new LinkedHashMap<>();
    clients.put("docker", docker(Path.of("")));
    boolean newer = !"1".equals(System.getenv("NIXERY_TEST_CLIENTS_UNFETCHABLE"));
    Path programs = newerClients();
    if (newer) {
      assertThat(programs.resolve("oras"))
          .as("run scripts/get-clients.sh, or set NIXERY_TEST_CLIENTS_UNFETCHABLE=1")
          .exists();
      clients.put("docker, newer", docker(programs));
    }
    clients.put("podman", podman());
    clients.put("skopeo", skopeo());
    clients.put("containerd (ctr)", containerd());
    if (newer) {
      clients.put("crane", crane(programs));
      clients.put("oras", oras(programs));
    }
    clients.put("HTTP (curl)", curl());

    SequencedMap<String, Map<String, String>> found = new LinkedHashMap<>();
    for (Operation operation : Operation.values()) {
      Map<String, String> row = new LinkedHashMap<>();
      for (Map.Entry<String, Client> client : clients.entrySet()) {
        Trial trial = client.getValue().trials().getOrDefault(operation, () -> NOT_APPLICABLE);
        row.put(client.getKey(), trial.result());
      }
      found.put(operation.title, row);
    }
    Path document = TestServer.PROJECT.resolve("docs/clients.md");
    if (System.getenv("NIXERY_WRITE_CLIENTS") != null) {
      write(document, clients, found);
    }
    assertThat(written(document, clients.sequencedKeySet().stream().toList())).isEqualTo(found);
  }

  /** Returns where scripts/get-clients.sh has put them. */
  static Path newerClients() {
    String configured = System.getenv("XDG_CACHE_HOME");
    Path caches =
        configured == null || configured.isEmpty()
            ? Path.of(System.getProperty("user.home"), ".cache")
            : Path.of(configured);
    return caches.resolve("nixery/clients/bin");
  }

  private static void write(
      Path document,
      SequencedMap<String, Client> clients,
      SequencedMap<String, Map<String, String>> found)
      throws IOException {
    StringBuilder table = new StringBuilder("| |");
    clients.keySet().forEach(name -> table.append(' ').append(name).append(" |"));
    table.append("\n|---|").append("---|".repeat(clients.size())).append("\n| version |");
    clients.values().forEach(client -> table.append(' ').append(client.version()).append(" |"));
    table.append('\n');
    found.forEach((operation, row) ->
        table
            .append("| ")
            .append(operation)
            .append(" | ")
            .append(String.join(" | ", row.values()))
            .append(" |\n"));
    String text = Files.readString(document);
    Files.writeString(
        document,
        text.replaceFirst("(?s)\\| \\|.*\\|\n", Matcher.quoteReplacement(table.toString())));
  }

  /** Reads the table, but for the versions, and for the clients that could not be had. */
  private static SequencedMap<String, Map<String, String>> written(
      Path document, List<String> clients) throws IOException {
    List<List<String>> rows =
        Files.readAllLines(document).stream()
            .filter(line -> line.startsWith("|"))
            .map(line -> List.of(line.substring(2, line.length() - 2).split(" ?\\| ", -1)))
            .toList();
    List<String> names = rows.getFirst();
    SequencedMap<String, Map<String, String>> table = new LinkedHashMap<>();
    for (List<String> row : rows.subList(3, rows.size())) {
      table.put(
          row.getFirst(),
          java.util.stream.IntStream.range(1, names.size())
              .filter(i -> clients.contains(names.get(i)))
              .boxed()
              .collect(
                  Collectors.toMap(names::get, row::get, (one, _) -> one, LinkedHashMap::new)));
    }
    return table;
  }
}

package nixery.bench;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Manifests that are known, by tag and by digest, and what more clients and images change. */
final class WarmPart implements Part {

  private static final String IMAGE = "shell/git";
  private static final int CONNECTIONS = 32;

  @Override
  public String name() {
    return "warm";
  }

  @Override
  public String summary() {
    return "known manifests at a known revision by tag and by digest, by clients and images";
  }

  @Override
  public void run(Bench bench) throws IOException {
    Path files = bench.servers().folder("warm/files");
    try (Server nixery = bench.servers().nixery(bench.servers().revisionVariables("warm"));
        Server registry = bench.servers().dockerRegistry();
        Server nginx = bench.servers().nginx(files)) {
      byte[] manifest = nixery.get("/v2/" + IMAGE + "/manifests/latest").body();
      Files.write(files.resolve("manifest"), manifest);
      Shell.run(
          "skopeo",
          "--insecure-policy",
          "copy",
          "--quiet",
          "--src-tls-verify=false",
          "--dest-tls-verify=false",
          copyName(nixery),
          copyName(registry));
      String digest =
          nixery
              .get("/v2/" + IMAGE + "/manifests/latest")
              .headers()
              .firstValue("Docker-Content-Digest")
              .orElseThrow();
      for (String reference : List.of("latest", digest)) {
        String path = "/v2/" + IMAGE + "/manifests/" + reference;
        // The first load of each is to warm up.
        Load.of(nixery, path, CONNECTIONS, bench.seconds());
        Load.of(registry, path, CONNECTIONS, 1);
        List<Bench.Subject> subjects = new ArrayList<>();
        subjects.add(subject(bench, nixery, path, CONNECTIONS));
        subjects.add(subject(bench, registry, path, CONNECTIONS));
        subjects.add(subject(bench, nginx, "/manifest", CONNECTIONS));
        for (String url : bench.registries()) {
          URI uri = URI.create(url);
          Server other =
              new Server(
                  uri.getAuthority(),
                  ProcessHandle.current(),
                  uri.getScheme() + "://" + uri.getAuthority());
          subjects.add(subject(bench, other, uri.getPath(), CONNECTIONS));
        }
        if (reference.equals("latest")) {
          bench.alternate(name(), "by tag", quantities(">= 10,000 /s", "< 5 ms"), subjects);
        } else {
          bench.alternate(name(), "by digest", quantities(">= 20,000 /s", ""), subjects);
        }
      }
      byClients(bench, nixery);
      byImages(bench, nixery);
      bench
          .results()
          .add(Figure.of(name(), "peak RSS", "nixery", "MiB", nixery.mebibytes("VmHWM")));
    }
  }

  private static String copyName(Server server) {
    return "docker://%s/%s".formatted(URI.create(server.url()).getAuthority(), IMAGE);
  }

  private void byClients(Bench bench, Server nixery) {
    for (int connections : List.of(1, 8, 64, 512)) {
      bench.alternate(
          name(),
          "by tag, %d connections".formatted(connections),
          quantities("", ""),
          List.of(subject(bench, nixery, "/v2/" + IMAGE + "/manifests/latest", connections)));
    }
  }

  /** Whether an image is found as fast when many are known. */
  private void byImages(Bench bench, Server nixery) {
    List<String> packages =
        List.of("hello", "jq", "less", "nano", "sqlite", "file", "htop", "git", "curl", "xz");
    int known = 0;
    for (int set = 1; set < 1 << packages.size() && known < 100; set += 7) {
      List<String> names = new ArrayList<>();
      for (int bit = 0; bit < packages.size(); bit++) {
        if ((set >> bit & 1) == 1) {
          names.add(packages.get(bit));
        }
      }
      nixery.get("/v2/" + String.join("/", names) + "/manifests/latest");
      known++;
    }
    bench.alternate(
        name(),
        "by tag, %d images known".formatted(known + 1),
        quantities("", ""),
        List.of(subject(bench, nixery, "/v2/" + IMAGE + "/manifests/latest", CONNECTIONS)));
  }

  private static List<Bench.Quantity> quantities(String rateGoal, String latencyGoal) {
    return List.of(
        new Bench.Quantity("rate", "/s", rateGoal), new Bench.Quantity("p99", "ms", latencyGoal));
  }

  private static Bench.Subject subject(Bench bench, Server server, String path, int connections) {
    return new Bench.Subject(
        server.subject(),
        () -> {
          Load load = Load.of(server, path, connections, bench.seconds());
          return Map.of("rate", load.requestsPerSecond(), "p99", load.p99());
        });
  }
}

package nixery.bench;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.TreeMap;

/** Where and on what was measured. */
record Machine(
    @JsonProperty String time,
    @JsonProperty String commit,
    @JsonProperty String processor,
    @JsonProperty int processors,
    @JsonProperty String memory,
    @JsonProperty String system,
    @JsonProperty Map<String, String> versions) {

  static Machine here() {
    Map<String, String> versions = new TreeMap<>();
    versions.put("java", Runtime.version().toString());
    versions.put("nix", Shell.run("nix-store", "--version").lines().findFirst().orElse("?"));
    versions.put("go", Shell.run("go", "version"));
    versions.put("nginx", Shell.runAll("nginx", "-v"));
    versions.put("docker-registry", Shell.runAll("docker-registry", "--version"));
    versions.put("wrk", Shell.runAll("sh", "-c", "wrk -v | head -n 1"));
    return new Machine(
        Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(),
        Shell.run("git", "describe", "--always", "--dirty", "--exclude=*"),
        field("/proc/cpuinfo", "model name"),
        Runtime.getRuntime().availableProcessors(),
        field("/proc/meminfo", "MemTotal"),
        Shell.run("uname", "-sr"),
        versions);
  }

  private static String field(String file, String name) {
    try (var lines = Files.lines(Path.of(file))) {
      return lines
          .filter(line -> line.startsWith(name))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElse("?");
    } catch (IOException e) {
      return "?";
    }
  }

  String describe() {
    return "%s, commit %s: %d x %s, %s, %s; %s"
        .formatted(time, commit, processors, processor, memory, system, versions);
  }
}

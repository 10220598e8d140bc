package nixery.bench.sharing;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Reader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import nixery.bench.sharing.PackageSet.Package;

/**
 * Reads a distribution's real dependencies and sizes from the text that {@code apt-cache dumpavail}
 * prints (deb-control(5)). Where there are alternatives the first counts. Debian's dependencies
 * have cycles, which are cut. With what a package was built is not known: three of the thousand
 * most used are drawn for each.
 */
final class DebianPackages {

  private DebianPackages() {}

  static PackageSet read(Reader text, long seed) throws IOException {
    SortedMap<String, Map<String, String>> paragraphs = paragraphs(text);
    Map<String, String> providers = new HashMap<>();
    paragraphs.forEach((name, fields) -> {
      providers.put(name, name);
      for (String provided : names(fields.getOrDefault("Provides", ""))) {
        providers.putIfAbsent(provided, name);
      }
    });
    Map<String, List<String>> dependencies = new HashMap<>();
    paragraphs.forEach((name, fields) ->
        dependencies.put(
            name,
            names(fields.getOrDefault("Pre-Depends", "") + "," + fields.getOrDefault("Depends", ""))
                .stream()
                .map(providers::get)
                .filter(to -> to != null && !to.equals(name))
                .distinct()
                .toList()));
    Map<String, Integer> numbers = new HashMap<>();
    List<String> order = new ArrayList<>();
    Set<String> begun = new HashSet<>();
    for (String name : paragraphs.keySet()) {
      order(name, dependencies, begun, numbers, order);
    }
    Map<String, Integer> users = new HashMap<>();
    dependencies.values().forEach(all -> all.forEach(each -> users.merge(each, 1, Integer::sum)));
    List<String> used = new ArrayList<>(users.keySet());
    used.sort(
        (a, b) -> users.get(a).equals(users.get(b)) ? a.compareTo(b) : users.get(b) - users.get(a));
    Random random = new Random(seed);
    Zipf zipf = new Zipf(1000, 0.95);
    List<Package> packages = new ArrayList<>();
    for (int number = 0; number < order.size(); number++) {
      int self = number;
      String name = order.get(number);
      packages.add(
          new Package(
              name.replaceAll("-(?=[^a-zA-Z])", "_").replaceAll("[^0-9a-zA-Z+._?=-]", "_"),
              "",
              1024
                  * Math.max(
                      1, Long.parseLong(paragraphs.get(name).getOrDefault("Installed-Size", "1"))),
              dependencies.get(name).stream()
                  .mapToInt(numbers::get)
                  .filter(to -> to < self)
                  .toArray(),
              random
                  .ints(3, 1, 1000)
                  .map(i -> numbers.get(used.get(zipf.next(random, i))))
                  .filter(tool -> tool < self)
                  .toArray()));
    }
    List<Integer> shell = new ArrayList<>();
    for (String name : List.of("bash", "coreutils", "moreutils", "nano")) {
      shell.add(numbers.get(name));
    }
    return new PackageSet(
        "Debian 12",
        packages,
        List.of(numbers.get("ca-certificates"), numbers.get("netbase")),
        shell);
  }

  private static void order(
      String name,
      Map<String, List<String>> dependencies,
      Set<String> begun,
      Map<String, Integer> numbers,
      List<String> order) {
    if (!begun.add(name)) {
      return;
    }
    for (String dependency : dependencies.get(name)) {
      order(dependency, dependencies, begun, numbers, order);
    }
    numbers.put(name, order.size());
    order.add(name);
  }

  private static List<String> names(String relation) {
    return Arrays.stream(relation.split(","))
        .map(each -> each.strip().split("[ |(:]", 2)[0])
        .filter(each -> !each.isEmpty())
        .toList();
  }

  private static SortedMap<String, Map<String, String>> paragraphs(Reader text) throws IOException {
    SortedMap<String, Map<String, String>> paragraphs = new TreeMap<>();
    Map<String, String> fields = new HashMap<>();
    BufferedReader lines = new BufferedReader(text);
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      int colon = line.indexOf(": ");
      if (line.isEmpty()) {
        paragraphs.putIfAbsent(fields.getOrDefault("Package", ""), fields);
        fields = new HashMap<>();
      } else if (colon > 0 && line.charAt(0) != ' ') {
        fields.put(line.substring(0, colon), line.substring(colon + 2));
      }
    }
    paragraphs.remove("");
    return paragraphs;
  }
}

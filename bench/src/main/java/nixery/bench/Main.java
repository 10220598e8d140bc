package nixery.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** Runs the parts that are named, or all of them, from the folder of the project. */
public final class Main {

  private static final List<Part> PARTS =
      List.of(
          new PackingPart(),
          new ColdPart(),
          new WarmPart(),
          new BlobsPart(),
          new StartPart(),
          new ClosurePart());

  private Main() {}

  /**
   * Measures.
   *
   * @param arguments see {@code --help}
   * @throws IOException if files cannot be written
   */
  public static void main(String... arguments) throws IOException {
    List<Part> chosen = new ArrayList<>();
    List<String> registries = new ArrayList<>();
    int rounds = 3;
    int seconds = 3;
    Iterator<String> rest = List.of(arguments).iterator();
    while (rest.hasNext()) {
      String argument = rest.next();
      switch (argument) {
        case "--help" -> {
          help();
          return;
        }
        case "--rounds" -> rounds = Integer.parseInt(rest.next());
        case "--seconds" -> seconds = Integer.parseInt(rest.next());
        case "--registry" -> registries.add(rest.next());
        default ->
            chosen.add(
                PARTS.stream()
                    .filter(part -> part.name().equals(argument))
                    .findFirst()
                    .orElseThrow(() ->
                        new IllegalArgumentException("no part " + argument + ": see --help")));
      }
    }
    Path folder = Files.createTempDirectory("nixery-bench");
    Results results = new Results();
    try {
      Bench bench = new Bench(new Servers(folder), results, rounds, seconds, registries);
      for (Part part : chosen.isEmpty() ? PARTS : chosen) {
        System.err.println(part.name() + ": " + part.summary());
        part.run(bench);
      }
    } finally {
      Shell.delete(folder);
    }
    results.print();
    System.err.println("kept in " + results.save(Path.of("bench/results")));
  }

  private static void help() {
    System.out.println("usage: bench/run [--rounds N] [--seconds N] [--registry URL]... [part]...");
    PARTS.forEach(part -> System.out.printf("  %-8s %s%n", part.name(), part.summary()));
  }
}

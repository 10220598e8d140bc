package nixery.bench;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** Collects figures, says each as it comes, and prints and keeps them all in the end. */
final class Results {

  private final Machine machine = Machine.here();
  private final List<Figure> figures = new ArrayList<>();

  private record Document(@JsonProperty Machine machine, @JsonProperty List<Figure> figures) {}

  void add(Figure figure) {
    figures.add(figure);
    System.err.printf(
        Locale.ROOT,
        "  %s, %s: %s %s%n",
        figure.what(),
        figure.subject(),
        number(figure.median()),
        figure.unit());
  }

  /** Prints one table for each part, in Markdown, the references beside Nixery. */
  void print() {
    System.out.println(machine.describe());
    List<String> parts = figures.stream().map(Figure::part).distinct().toList();
    for (String part : parts) {
      List<Figure> rows = figures.stream().filter(figure -> figure.part().equals(part)).toList();
      List<String> subjects = rows.stream().map(Figure::subject).distinct().toList();
      List<String> others = subjects.stream().filter(name -> !name.equals("nixery")).toList();
      System.out.printf("%n### %s%n%n", part);
      System.out.printf("| | nixery |%s goal |%n", cells(others.stream().toList()));
      System.out.printf("|---|---:|%s---|%n", "---:|".repeat(others.size()));
      for (String what : rows.stream().map(Figure::what).distinct().toList()) {
        List<Figure> row = rows.stream().filter(figure -> figure.what().equals(what)).toList();
        System.out.printf(
            "| %s | %s |%s %s |%n",
            what,
            cell(row, "nixery"),
            cells(others.stream().map(name -> cell(row, name)).toList()),
            row.stream().flatMap(figure -> figure.goalText().stream()).findFirst().orElse(""));
      }
    }
  }

  private static String cells(List<String> texts) {
    return texts.stream().map(text -> " " + text + " |").collect(Collectors.joining());
  }

  /** Returns the median of a subject, and how many times Nixery's that is. */
  private static String cell(List<Figure> row, String subject) {
    double own =
        row.stream()
            .filter(figure -> figure.subject().equals("nixery"))
            .mapToDouble(Figure::median)
            .findFirst()
            .orElse(Double.NaN);
    return row.stream()
        .filter(figure -> figure.subject().equals(subject))
        .findFirst()
        .map(figure ->
            number(figure.median())
                + " "
                + figure.unit()
                + (subject.equals("nixery") || Double.isNaN(own) || figure.median() == 0
                    ? ""
                    : String.format(Locale.ROOT, " (%.2f)", own / figure.median())))
        .orElse("");
  }

  private static String number(double value) {
    if (value >= 100) {
      return String.format(Locale.ROOT, "%,.0f", value);
    }
    return String.format(Locale.ROOT, value >= 10 ? "%.1f" : value >= 1 ? "%.2f" : "%.3f", value);
  }

  /** Writes everything into a file named by time and commit. */
  Path save(Path folder) throws IOException {
    Files.createDirectories(folder);
    Path file =
        folder.resolve("%s-%s.json".formatted(machine.time().replace(":", ""), machine.commit()));
    Files.write(
        file,
        JsonMapper.builder()
            .enable(SerializationFeature.INDENT_OUTPUT)
            .build()
            .writeValueAsBytes(new Document(machine, figures)));
    return file;
  }
}

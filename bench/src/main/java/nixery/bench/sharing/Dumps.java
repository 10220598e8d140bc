package nixery.bench.sharing;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import nixery.image.PathInfo;
import nixery.image.Popularity;
import nixery.image.Popularity.Usage;
import nixery.image.ReferenceGraph;
import nixery.image.StorePath;

/**
 * Reads closures from a folder: each file is what {@code nix-store --dump-db $(nix-store -qR …)}
 * prints for one image. Sub-folders are revisions, in the order of their names; images that are not
 * there at each revision are left out. A file of paths to which no other in it refers is taken for
 * an image of these. Popularity is counted over all closures of the first revision.
 */
final class Dumps {

  private Dumps() {}

  static Corpus read(Path folder) throws IOException {
    List<Path> revisions = list(folder).stream().filter(Files::isDirectory).toList();
    List<Map<String, Corpus.Image>> all = new ArrayList<>();
    for (Path revision : revisions.isEmpty() ? List.of(folder) : revisions) {
      Map<String, Corpus.Image> images = new TreeMap<>();
      for (Path file : list(revision)) {
        images.put(file.getFileName().toString(), image(file));
      }
      all.add(images);
    }
    Set<String> common = new TreeSet<>(all.getFirst().keySet());
    all.forEach(images -> common.retainAll(images.keySet()));
    if (common.size() < 2) {
      throw new IOException(folder + " has less than two images");
    }
    return new Corpus(
        folder.getFileName().toString(),
        popularity(all.getFirst()),
        all.stream().map(images -> common.stream().map(images::get).toList()).toList());
  }

  private static List<Path> list(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }

  private static Corpus.Image image(Path file) throws IOException {
    try (Reader text = Files.newBufferedReader(file)) {
      ReferenceGraph graph = ReferenceGraph.parseDump(text);
      SortedSet<StorePath> roots = new TreeSet<>(graph.paths());
      graph.paths().forEach(path -> roots.removeAll(graph.info(path).references()));
      return new Corpus.Image(graph, roots);
    } catch (IllegalArgumentException e) {
      throw new IOException(file + ": " + e.getMessage(), e);
    }
  }

  private static Popularity popularity(Map<String, Corpus.Image> images) {
    Map<StorePath, PathInfo> paths = new HashMap<>();
    for (Corpus.Image image : images.values()) {
      image.graph().paths().forEach(path -> paths.put(path, image.graph().info(path)));
    }
    TreeMap<String, Usage> counts = new TreeMap<>();
    for (PathInfo info : paths.values()) {
      Set<String> names = new HashSet<>();
      info.references().forEach(reference -> names.add(reference.pname()));
      names.remove(info.path().pname());
      names.forEach(name ->
          counts.merge(name, new Usage(1, 0), (a, b) -> new Usage(a.count() + b.count(), 0)));
    }
    return Popularity.of(Optional.empty(), Optional.empty(), counts);
  }
}

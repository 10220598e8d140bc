package nixery.image.nix;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import nixery.image.Architecture;
import nixery.image.Codec;
import nixery.image.Compression;
import nixery.image.ImageConfig;
import nixery.image.ImageReference;
import nixery.image.Layering;
import nixery.image.LayeringStrategy;
import nixery.image.PathInfo;
import nixery.image.Popularity;
import nixery.image.ReferenceGraph;
import nixery.image.StorePath;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What the Nix function asks for.
 *
 * @param reference what the image is called where it is loaded
 * @param contents the packages, in order of precedence
 * @param roots the packages, and what else the closure must hold
 * @param closure of the roots
 * @param popularity of packages
 * @param layering how the closure is divided into layers
 * @param layerBudget how many layers the image may have, the one with the links included
 * @param codec compresses the layers
 * @param config how the image is to be run
 */
record ImageRequest(
    ImageReference reference,
    List<StorePath> contents,
    SortedSet<StorePath> roots,
    ReferenceGraph closure,
    Popularity popularity,
    LayeringStrategy layering,
    int layerBudget,
    Codec codec,
    ImageConfig config) {

  private static final String IMAGE = "image";
  private static final String GRAPH = "graph";

  private static final JsonMapper JSON = JsonMapper.shared();

  /**
   * Reads the attributes of a derivation.
   *
   * @param file a JSON object as in "Structured attributes" of the <a
   *     href="https://nix.dev/manual/nix/2.26/language/advanced-attributes#adv-attr-structuredAttrs">Nix
   *     manual</a>, with {@code exportReferencesGraph}
   * @throws IOException if the file, or one that it names, cannot be read
   * @throws IllegalArgumentException if something is not as it should be, in words for whoever
   *     called the Nix function
   */
  static ImageRequest read(Path file) throws IOException {
    JsonNode attributes = json(file);
    JsonNode image = attributes.path(IMAGE);
    List<StorePath> contents = paths(image.path("contents"));
    SortedSet<StorePath> roots = new TreeSet<>(contents);
    roots.addAll(paths(image.path("mentioned")));
    return new ImageRequest(
        ImageReference.parse(text(image, "name") + ":" + text(image, "tag")),
        contents,
        roots,
        closure(attributes.path(GRAPH)),
        popularity(image.path("popularity")),
        layering(image.path("layering")),
        layers(image.path("maxLayers")),
        codec(image),
        config(image));
  }

  /** Reads the store path of an output of the derivation. */
  static Path output(Path file, String name) throws IOException {
    return Path.of(text(json(file).path("outputs"), name));
  }

  /** Returns what {@link #read} needs, and no more: it must not refer to the outputs. */
  static byte[] withoutOutputs(Path file) throws IOException {
    JsonNode attributes = json(file);
    return JSON.writeValueAsBytes(
        new TreeMap<>(Map.of(IMAGE, attributes.path(IMAGE), GRAPH, attributes.path(GRAPH))));
  }

  /** Reads the words of the command that runs this module. */
  static List<String> command(Path file) throws IOException {
    return strings(json(file).path("command"), "command");
  }

  private static JsonNode json(Path file) throws IOException {
    try {
      return JSON.readTree(Files.readAllBytes(file));
    } catch (JacksonException e) {
      throw new IllegalArgumentException(file + " is not JSON: " + e.getOriginalMessage(), e);
    }
  }

  private static ReferenceGraph closure(JsonNode graph) {
    List<PathInfo> infos = new ArrayList<>();
    for (JsonNode info : array(graph, "exportReferencesGraph")) {
      infos.add(
          new PathInfo(
              StorePath.parse(text(info, "path")),
              info.path("narSize").asLong(-1),
              new TreeSet<>(paths(info.path("references")))));
    }
    return ReferenceGraph.of(infos);
  }

  private static Popularity popularity(JsonNode file) throws IOException {
    if (isMissing(file)) {
      return Popularity.none();
    }
    try (InputStream in = Files.newInputStream(Path.of(file.asString()))) {
      return Popularity.read(in);
    }
  }

  private static LayeringStrategy layering(JsonNode name) {
    if (isMissing(name)) {
      return LayeringStrategy.standard();
    }
    return choice(name, "layering", Layering.class).strategy();
  }

  private static <E extends Enum<E>> E choice(JsonNode value, String name, Class<E> type) {
    return Stream.of(type.getEnumConstants())
        .filter(each -> word(each).equals(value.asString()))
        .findFirst()
        .orElseThrow(() ->
            new IllegalArgumentException(
                "%s is '%s', but may be one of %s"
                    .formatted(
                        name,
                        value.asString(),
                        Stream.of(type.getEnumConstants())
                            .map(ImageRequest::word)
                            .collect(Collectors.joining(", ")))));
  }

  private static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static int layers(JsonNode number) {
    int layers = number.asInt(-1);
    if (layers < 2) {
      throw new IllegalArgumentException(
          "maxLayers is %s, but the least is 2: one for the links, one for everything else"
              .formatted(number));
    }
    return layers;
  }

  /** Without a library, the Java runtime compresses: it must not matter what this machine has. */
  private static Codec codec(JsonNode image) {
    Compression compression = choice(image.path("compression"), "compression", Compression.class);
    int level = image.path("compressionLevel").asInt(compression.defaultLevel());
    JsonNode library = image.path("compressionLibrary");
    if (isMissing(library)) {
      if (compression != Compression.GZIP) {
        throw new IllegalArgumentException("%s needs a compressionLibrary".formatted(compression));
      }
      return Codec.java(level);
    }
    return Codec.open(compression, level, Optional.of(Path.of(library.asString())));
  }

  /** Reads {@code config} in the form of the OCI image configuration. */
  private static ImageConfig config(JsonNode image) {
    String architecture = text(image, "architecture");
    ImageConfig.Builder builder =
        ImageConfig.builder(
            Architecture.named(architecture)
                .orElseThrow(() ->
                    new IllegalArgumentException(
                        "'%s' is not an architecture of images".formatted(architecture))));
    builder.created(time(text(image, "created")));
    for (Map.Entry<String, JsonNode> property : image.path("config").properties()) {
      JsonNode value = property.getValue();
      if (!value.isNull()) {
        set(builder, property.getKey(), value);
      }
    }
    return builder.build();
  }

  private static void set(ImageConfig.Builder builder, String name, JsonNode value) {
    switch (name) {
      case "Entrypoint" -> builder.entrypoint(strings(value, name));
      case "Cmd" -> builder.cmd(strings(value, name));
      case "Env" -> strings(value, name).forEach(variable -> env(builder, variable));
      case "WorkingDir" -> builder.workdir(string(value, name));
      case "User" -> builder.user(string(value, name));
      case "Labels" ->
          value
              .properties()
              .forEach(label ->
                  builder.label(
                      label.getKey(), string(label.getValue(), "label " + label.getKey())));
      case "ExposedPorts" -> value.properties().forEach(port -> builder.port(port.getKey()));
      default ->
          throw new IllegalArgumentException(
              "config has no %s: it may have Entrypoint, Cmd, Env, WorkingDir, User, Labels and ExposedPorts"
                  .formatted(name));
    }
  }

  private static void env(ImageConfig.Builder builder, String variable) {
    int equals = variable.indexOf('=');
    if (equals < 0) {
      throw new IllegalArgumentException("Env has '%s': write NAME=VALUE".formatted(variable));
    }
    builder.env(variable.substring(0, equals), variable.substring(equals + 1));
  }

  private static Instant time(String text) {
    try {
      return text.equals("now") ? Instant.now() : OffsetDateTime.parse(text).toInstant();
    } catch (DateTimeException e) {
      throw new IllegalArgumentException(
          "created is '%s', not a time such as 2026-11-23T12:00:00Z".formatted(text), e);
    }
  }

  private static List<StorePath> paths(JsonNode array) {
    List<StorePath> paths = new ArrayList<>();
    array.forEach(path -> paths.add(StorePath.parse(path.asString())));
    return paths;
  }

  private static String text(JsonNode object, String name) {
    return string(object.path(name), name);
  }

  private static String string(JsonNode value, String name) {
    if (!value.isString()) {
      throw new IllegalArgumentException("%s is not a string".formatted(name));
    }
    return value.asString();
  }

  private static List<String> strings(JsonNode value, String name) {
    return array(value, name).stream().map(each -> string(each, "a part of " + name)).toList();
  }

  private static Collection<JsonNode> array(JsonNode value, String name) {
    if (!value.isArray()) {
      throw new IllegalArgumentException(name + " is not a list");
    }
    return value.values();
  }

  private static boolean isMissing(JsonNode value) {
    return value.isMissingNode() || value.isNull();
  }
}

package nixery.image.nix;

import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import nixery.image.Codec;
import nixery.image.CodecException;
import nixery.image.Digest;
import nixery.image.Document;
import nixery.image.ImageDocuments;
import nixery.image.ImageLayout;
import nixery.image.Layer;
import nixery.image.LayerPacker;
import nixery.image.LinkTree;
import nixery.image.PackedLayer;

/**
 * Builds an image out of store paths that are there. It is the builder of the derivations that the
 * Nix function {@code buildImage} makes, and what their streaming scripts run.
 */
public final class NixBuilder {

  private static final int FAILED = 1;

  /** Under which Nix shows a store to a builder, and where streaming scripts find it. */
  private static final Path STORE_ROOT = Path.of("/");

  private NixBuilder() {}

  /**
   * Runs the builder.
   *
   * @param arguments {@code layout} to write an OCI image layout to the derivation's output; {@code
   *     script} to write a program there that runs this with the next; {@code stream} and a file of
   *     attributes to write the image as an archive to standard output
   */
  public static void main(String[] arguments) {
    try {
      switch (List.of(arguments)) {
        case List<String> words when words.equals(List.of("layout")) -> layout();
        case List<String> words when words.equals(List.of("script")) -> script();
        case List<String> words when words.size() == 2 && words.getFirst().equals("stream") ->
            stream(Path.of(words.getLast()));
        default -> throw new IllegalArgumentException("this is run by the Nix function buildImage");
      }
    } catch (IllegalArgumentException | CodecException e) {
      fail(e.getMessage());
    } catch (IOException e) {
      fail("the image cannot be written: " + e);
    }
  }

  private static void fail(String message) {
    System.err.println("nixery: " + message);
    System.exit(FAILED);
  }

  private static void layout() throws IOException {
    Path attributes = attributes();
    Path scratch = Files.createDirectory(Path.of("layers").toAbsolutePath());
    image(ImageRequest.read(attributes), scratch)
        .writeFolder(ImageRequest.output(attributes, "out"));
  }

  /**
   * Returns where Nix wrote the attributes: the variable that says it is wrong in Nix 2.8 with a
   * sandbox.
   */
  private static Path attributes() {
    Path here = Path.of(".attrs.json");
    String elsewhere = System.getenv("NIX_ATTRS_JSON_FILE");
    return Files.exists(here) || elsewhere == null ? here : Path.of(elsewhere);
  }

  private static void script() throws IOException {
    Path attributes = attributes();
    ImageRequest request = ImageRequest.read(attributes); // so that mistakes are found now
    Path plan = ImageRequest.output(attributes, "plan");
    Files.write(plan, ImageRequest.withoutOutputs(attributes));
    Path script = ImageRequest.output(attributes, "out");
    Files.writeString(
        script,
        """
        #!/bin/sh
        # Writes the image %s to standard output, for docker load.
        exec %s stream %s
        """
            .formatted(
                request.reference(), String.join(" ", ImageRequest.command(attributes)), plan));
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("r-xr-xr-x"));
  }

  private static void stream(Path attributes) throws IOException {
    ImageRequest request = ImageRequest.read(attributes);
    Path scratch = scratch();
    Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(() -> deleteAll(scratch)));
    try (OutputStream out =
        new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16)) {
      image(request, scratch).writeArchive(out);
    }
  }

  /** The Java runtime's own temporary folder is {@code /tmp}, whatever the environment says. */
  private static Path scratch() throws IOException {
    Path temporary =
        Path.of(
            Optional.ofNullable(System.getenv("TMPDIR"))
                .filter(folder -> !folder.isEmpty())
                .orElse("/tmp"));
    if (!Files.isDirectory(temporary)) {
      throw new IllegalArgumentException("TMPDIR is %s, which is no folder".formatted(temporary));
    }
    return Files.createTempDirectory(temporary, "nixery");
  }

  private static void deleteAll(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.deleteIfExists(file);
      }
      Files.deleteIfExists(folder);
    } catch (IOException e) {
      System.err.println("nixery: cannot delete " + folder + ": " + e);
    }
  }

  /** From the closure to the image: the stages after Nix, as the server has them. */
  private static ImageLayout image(ImageRequest request, Path scratch) throws IOException {
    List<Layer> plan =
        request
            .layering()
            .plan(
                request.closure(),
                request.roots(),
                request.popularity(),
                request.layerBudget() - 1);
    LinkTree links = LinkTree.of(request.contents(), STORE_ROOT);
    List<PackedLayer> layers = pack(request.codec(), plan, links, scratch);
    ImageDocuments documents =
        ImageDocuments.of(request.config(), layers.stream().map(PackedLayer::info).toList());
    return layout(request, documents, layers);
  }

  private static List<PackedLayer> pack(Codec codec, List<Layer> plan, LinkTree links, Path scratch)
      throws IOException {
    int threads = Runtime.getRuntime().availableProcessors();
    try (LayerPacker packer = new LayerPacker(STORE_ROOT, codec, threads);
        ExecutorService executor = Executors.newFixedThreadPool(threads)) {
      List<Future<PackedLayer>> packing = new ArrayList<>();
      for (Layer layer : plan) {
        Path file = scratch.resolve(Integer.toString(packing.size()));
        packing.add(executor.submit(() -> packer.pack(layer, file)));
      }
      packing.add(executor.submit(() -> packer.pack(links, scratch.resolve("links"))));
      List<PackedLayer> packed = new ArrayList<>();
      for (Future<PackedLayer> each : packing) {
        packed.add(result(each));
      }
      return packed;
    }
  }

  private static PackedLayer result(Future<PackedLayer> packing) throws IOException {
    try {
      return packing.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException cause) {
        throw cause;
      }
      throw new IllegalStateException("a layer cannot be packed", e);
    } catch (InterruptedException e) {
      throw new IllegalStateException("nobody interrupts the main thread", e);
    }
  }

  private static ImageLayout layout(
      ImageRequest request, ImageDocuments documents, List<PackedLayer> layers) {
    Map<Digest, Path> files = new HashMap<>();
    layers.forEach(layer -> files.put(layer.digest(), layer.file()));
    Document config = documents.config();
    return new ImageLayout(
        documents.ociManifest(),
        request.reference(),
        digest ->
            digest.equals(config.digest())
                ? new ByteArrayInputStream(config.bytes())
                : Files.newInputStream(files.get(digest)));
  }
}

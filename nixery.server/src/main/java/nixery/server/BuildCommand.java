package nixery.server;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import nixery.api.ConfigurationException;
import nixery.api.Scratch;
import nixery.api.Settings;
import nixery.api.storage.StoredObject;
import nixery.image.Digest;
import nixery.image.ImageLayout;
import nixery.server.build.Image;
import nixery.server.build.Images;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import nixery.server.failure.FailureKind;

/** The command {@code nixery build}: makes one image and writes it to a file, without a server. */
final class BuildCommand {

  private static final int FAILED = 1;
  private static final Path STANDARD_OUTPUT = Path.of("/dev/stdout");

  private final BuildOptions options;
  private final PrintStream out;
  private final PrintStream err;

  /** Under whatever name: what goes there is the image and nothing else. */
  private final boolean toStandardOutput;

  /**
   * Prepares to build.
   *
   * @param options what, and where to
   * @param out gets the image or its digest
   * @param err gets what there is to say
   */
  BuildCommand(BuildOptions options, PrintStream out, PrintStream err) {
    this.options = options;
    this.out = out;
    this.err = err;
    this.toStandardOutput = options.output().map(BuildCommand::isStandardOutput).orElse(true);
  }

  /**
   * Builds and writes the image.
   *
   * @return the status to exit with
   * @throws ConfigurationException if the output cannot be written, or the settings do not do
   */
  int run(Settings settings, Plugins plugins) {
    Logging.configure(settings);
    checkOutput();
    Nixery nixery = Nixery.withoutServer(settings, plugins, options.config());
    Thread close = Thread.ofPlatform().name("stop").unstarted(nixery::close);
    Runtime.getRuntime().addShutdownHook(close);
    try {
      Images images = nixery.images();
      Image image = images.image(options.name(), options.tag());
      write(new ImageLayout(image.oci(), options.reference(), digest -> blob(images, digest)));
      if (!toStandardOutput) {
        out.println(image.oci().digest());
      }
      return 0;
    } catch (Failure e) {
      err.println(
          e.code() == FailureCode.INTERRUPTED
              ? "nixery: Interrupted before the image was written."
              : "nixery: " + e.getMessage() + reason(e));
      return FAILED;
    } catch (IOException e) {
      err.println("nixery: The image cannot be written: " + e + ".");
      return FAILED;
    }
  }

  /** A server tells the reason of what is not the client's fault in its log only. */
  static String reason(Failure failure) {
    if (failure.code().kind() == FailureKind.USER) {
      return "";
    }
    List<String> causes =
        Stream.iterate(failure.getCause(), cause -> cause != null, Throwable::getCause)
            .filter(cause -> !(cause instanceof Failure))
            .map(Throwable::toString)
            .toList();
    if (causes.isEmpty()) {
      return "";
    }
    // Most say what is below them; some do not.
    String first = causes.getFirst();
    String last = causes.getLast();
    return first.contains(last) ? " (" + first + ")" : " (" + first + ": " + last + ")";
  }

  private static InputStream blob(Images images, Digest digest) {
    return images
        .openBlob(digest, 0)
        .map(StoredObject::stream)
        .orElseThrow(() ->
            new Failure(FailureCode.STORAGE_UNAVAILABLE, digest + " is no longer in the storage"));
  }

  /** Finds out beforehand what would be a pity to find out when the image is made. */
  private void checkOutput() {
    if (toStandardOutput) {
      if (Optional.ofNullable(System.console()).filter(c -> c.isTerminal()).isPresent()) {
        throw new ConfigurationException(
            "An image is nothing for a terminal: redirect it, or name a file with -o.");
      }
      if (options.isFolder()) {
        throw new ConfigurationException(
            "Standard output is no folder: name one with -o, or use --format oci-archive.");
      }
      return;
    }
    checkOutput(options.output().get(), options.isFolder());
  }

  /**
   * Checks that an image can be written.
   *
   * @param output that is not standard output
   * @param isFolder whether the image is to be a folder
   * @throws ConfigurationException if it cannot
   */
  static void checkOutput(Path output, boolean isFolder) {
    if (Files.isDirectory(output) && !isFolder) {
      throw new ConfigurationException(
          "%s is a folder: name a file with -o, or use --format oci-dir.".formatted(output));
    }
    if (isFolder && Files.exists(output) && !(Files.isDirectory(output) && isEmpty(output))) {
      throw new ConfigurationException(
          "%s is there already: remove it, or choose another with -o.".formatted(output));
    }
    if (isWrittenTo(output)) {
      return;
    }
    try {
      Path folder = folderOf(real(output));
      if (!Files.isWritable(folder)) {
        throw new ConfigurationException(
            "%s is not a folder that can be written to: choose another with -o.".formatted(folder));
      }
    } catch (IOException e) {
      throw new ConfigurationException("%s cannot be found: %s.".formatted(output, e), e);
    }
  }

  private static boolean isStandardOutput(Path output) {
    try {
      return isWrittenTo(output)
          && Files.exists(STANDARD_OUTPUT)
          && Files.isSameFile(output, STANDARD_OUTPUT);
    } catch (IOException e) {
      return false; // closed, or not for us to see
    }
  }

  /**
   * Tells whether an output is something to write to, such as a pipe or a device, rather than the
   * name of a file to be made or replaced.
   */
  static boolean isWrittenTo(Path output) {
    Path absolute = output.toAbsolutePath().normalize();
    return Files.exists(output)
        && !Files.isDirectory(output)
        && (!Files.isRegularFile(output)
            || absolute.startsWith("/dev")
            || absolute.startsWith("/proc"));
  }

  /** What is written in place of a link that is there is what it leads to. */
  private static Path real(Path output) throws IOException {
    return Files.exists(output) ? output.toRealPath() : output.toAbsolutePath();
  }

  private static Path folderOf(Path absolute) {
    return Optional.ofNullable(absolute.getParent()).orElse(absolute);
  }

  private static boolean isEmpty(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files.findAny().isEmpty();
    } catch (IOException e) {
      throw new ConfigurationException("%s cannot be read: %s.".formatted(folder, e), e);
    }
  }

  private void write(ImageLayout image) throws IOException {
    if (toStandardOutput) {
      write(image, new FileOutputStream(FileDescriptor.out));
      return;
    }
    if (isWrittenTo(options.output().get())) {
      write(image, Files.newOutputStream(options.output().get()));
      return;
    }
    Path output = real(options.output().get());
    // Whoever watches the file sees all of it or nothing.
    Path part = folderOf(output).resolve(".%s.part".formatted(UUID.randomUUID()));
    Thread delete = Thread.ofPlatform().name("delete").unstarted(() -> delete(part));
    Runtime.getRuntime().addShutdownHook(delete);
    try {
      if (options.isFolder()) {
        image.writeFolder(part);
      } else {
        write(image, Files.newOutputStream(part, StandardOpenOption.CREATE_NEW));
      }
      Files.move(part, output, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      delete(part);
    }
  }

  private static void write(ImageLayout image, OutputStream stream) throws IOException {
    try (OutputStream buffered = new BufferedOutputStream(stream, 1 << 16)) {
      image.writeArchive(buffered);
    }
  }

  private static void delete(Path part) {
    try {
      Scratch.deleteTree(part);
    } catch (IOException e) {
      System.getLogger(BuildCommand.class.getName())
          .log(System.Logger.Level.WARNING, "cannot delete " + part, e);
    }
  }
}

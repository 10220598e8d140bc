package nixery.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Another process with a scratch folder, in which there is a file. */
record ScratchProcess(Process process, BufferedReader output, Path folder) {

  static ScratchProcess start(Path parent) throws IOException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                ScratchProcess.class.getName(),
                parent.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    BufferedReader output = process.inputReader(UTF_8);
    String folder = Optional.ofNullable(output.readLine()).orElse("the process has ended");
    return new ScratchProcess(process, output, Path.of(folder));
  }

  /** Lets the process close its folder and end. */
  int end() throws IOException, InterruptedException {
    process.getOutputStream().close();
    return process.waitFor();
  }

  /** Ends the process with SIGKILL. */
  int kill() throws InterruptedException {
    return process.destroyForcibly().waitFor();
  }

  public static void main(String[] arguments) throws IOException {
    try (Scratch scratch = Scratch.open(Path.of(arguments[0]))) {
      Path below = Files.createDirectory(scratch.next());
      Files.writeString(below.resolve("file"), "unfinished");
      System.out.println(scratch.folder());
      System.in.transferTo(OutputStream.nullOutputStream());
    }
  }
}

package nixery.api.source;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;

/**
 * How much there is in a folder, which changes if anything is missing or cut short.
 *
 * @param entries the number of files, folders and links
 * @param bytes the sum of the sizes of files and of the lengths of links
 */
record Tally(long entries, long bytes) {

  /**
   * Counts.
   *
   * @param tree the folder
   * @return what is in it
   * @throws NoSuchFileException if it is not there
   * @throws IOException if it cannot be read
   */
  static Tally of(Path tree) throws IOException {
    long[] sums = new long[2];
    Files.walkFileTree(
        tree,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes) {
            sums[0]++;
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            sums[0]++;
            sums[1] += attributes.size();
            return FileVisitResult.CONTINUE;
          }
        });
    return new Tally(sums[0], sums[1]);
  }

  /** Returns the text by which tallies are compared. */
  @Override
  public String toString() {
    return entries + " entries, " + bytes + " bytes\n";
  }
}

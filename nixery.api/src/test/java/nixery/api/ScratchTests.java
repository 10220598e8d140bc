package nixery.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class ScratchTests {

  @TempDir Path temporary;

  @Test
  void givesAPrivateFolderUntilItIsClosed() throws IOException {
    Path parent = temporary.resolve("not/there/yet");
    Path folder;
    try (Scratch scratch = Scratch.open(parent)) {
      folder = scratch.folder();
      assertThat(folder).isAbsolute().isEmptyDirectory();
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)))
          .isEqualTo("rwx------");
      assertThat(scratch.next()).hasParentRaw(folder).doesNotExist();
      assertThat(scratch.next()).isNotEqualTo(scratch.next());
      Files.writeString(scratch.next(), "unfinished");
    }
    assertThat(parent).isEmptyDirectory();
  }

  @Test
  void leavesOtherFoldersOfThisProcessAlone() throws IOException {
    try (Scratch first = Scratch.open(temporary)) {
      Path file = Files.writeString(first.next(), "unfinished");
      for (int i = 0; i < 3; i++) {
        Scratch.open(temporary).close();
      }
      try (Scratch second = Scratch.open(temporary)) {
        assertThat(second.folder()).isNotEqualTo(first.folder()).isEmptyDirectory();
        assertThat(file).hasContent("unfinished");
      }
    }
    assertThat(temporary).isEmptyDirectory();
  }

  @Test
  void deletesTheFoldersOfDeadProcessesAndOfNoOthers() throws Exception {
    ScratchProcess living = ScratchProcess.start(temporary);
    ScratchProcess dying = ScratchProcess.start(temporary);
    try {
      // Each process sweeps when it starts, and neither may have swept the other.
      assertThat(living.folder()).isNotEmptyDirectory();
      try (Scratch own = Scratch.open(temporary)) {
        assertThat(living.folder()).isNotEmptyDirectory();
        assertThat(dying.folder()).isNotEmptyDirectory();

        assertThat(dying.kill()).isEqualTo(128 + 9);
        assertThat(dying.folder()).isNotEmptyDirectory();

        ScratchProcess sweeping = ScratchProcess.start(temporary);
        assertThat(dying.folder()).doesNotExist();
        assertThat(living.folder()).isNotEmptyDirectory();
        assertThat(own.folder()).isEmptyDirectory();
        assertThat(sweeping.end()).isZero();
        assertThat(sweeping.folder()).doesNotExist();
      }
      Scratch.open(temporary).close();
      assertThat(living.folder()).isNotEmptyDirectory();
      assertThat(living.end()).isZero();
    } finally {
      living.kill();
      dying.kill();
    }
    assertThat(temporary).isEmptyDirectory();
  }

  @Test
  void sweepsWhenManyAreOpenedAtOnce() throws Exception {
    for (int round = 0; round < 5; round++) {
      for (int i = 0; i < 20; i++) {
        Files.createDirectories(temporary.resolve("dead-" + i).resolve("below"));
        Files.writeString(temporary.resolve("dead-" + i + ".lock"), "");
      }
      List<Future<Scratch>> opening = new ArrayList<>();
      CyclicBarrier start = new CyclicBarrier(8);
      try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        for (int i = 0; i < 8; i++) {
          opening.add(
              threads.submit(() -> {
                start.await();
                return Scratch.open(temporary);
              }));
        }
      }
      List<Scratch> open = new ArrayList<>();
      for (Future<Scratch> future : opening) {
        open.add(future.get());
      }
      assertThat(open).extracting(Scratch::folder).doesNotHaveDuplicates();
      assertThat(temporary.toFile().list()).hasSize(16);
      open.forEach(Scratch::close);
      assertThat(temporary).isEmptyDirectory();
    }
  }

  @Test
  void refusesAParentThatIsAFile() throws IOException {
    Path file = Files.writeString(temporary.resolve("file"), "");

    assertThatThrownBy(() -> Scratch.open(file)).isInstanceOf(IOException.class);
  }

  @Test
  void deletesTreesAndNothingThatLinksLeadTo() throws IOException {
    Path kept = Files.createDirectory(temporary.resolve("kept"));
    Files.writeString(kept.resolve("file"), "kept");
    Path tree = Files.createDirectories(temporary.resolve("tree/below/deeper")).getParent();
    Files.writeString(tree.resolve("file"), "");
    Files.createSymbolicLink(tree.resolve("link"), kept);
    Files.createSymbolicLink(tree.resolve("dangling"), Path.of("nowhere"));
    for (Path folder : List.of(tree.resolve("deeper"), tree, tree.getParent())) {
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("r-xr-xr-x"));
    }

    Scratch.deleteTree(tree.getParent());
    Scratch.deleteTree(tree.getParent());

    assertThat(tree.getParent()).doesNotExist();
    assertThat(kept.resolve("file")).hasContent("kept");

    Path link = Files.createSymbolicLink(temporary.resolve("link"), kept);
    Scratch.deleteTree(link);
    assertThat(Files.isSymbolicLink(link)).isFalse();
    assertThat(kept.resolve("file")).hasContent("kept");
  }
}

package nixery.source.channel;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPOutputStream;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

/** Makes tarballs: good ones with the usual tools, bad ones byte by byte. */
final class Tarballs {

  private Tarballs() {}

  /** Runs a program and returns its standard output. */
  static byte[] run(Path folder, String... command) {
    try {
      Path errors = Files.createTempFile("errors", ".txt");
      Process process =
          new ProcessBuilder(command)
              .directory(folder.toFile())
              .redirectError(errors.toFile())
              .start();
      process.getOutputStream().close();
      byte[] output = process.getInputStream().readAllBytes();
      if (!process.waitFor(60, TimeUnit.SECONDS) || process.exitValue() != 0) {
        process.destroyForcibly();
        throw new IllegalStateException(
            String.join(" ", command) + " failed: " + Files.readString(errors));
      }
      Files.delete(errors);
      return output;
    } catch (IOException e) {
      throw new UncheckedIOException(command[0] + " is needed for the tests: install it", e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Packs a folder as nixpkgs' releases are made, with GNU tar and xz. */
  static byte[] pack(Path folder) {
    Path parent = folder.toAbsolutePath().getParent();
    return run(parent, "tar", "-cJf", "-", folder.getFileName().toString());
  }

  /** Makes a small release: {@code default.nix} and {@code .git-revision} in a top folder. */
  static byte[] release(String revision, String content) {
    return xz(
        new Tar()
            .folder("nixos-26.05pre1." + revision.substring(0, 7) + "/")
            .file("nixos-26.05pre1." + revision.substring(0, 7) + "/default.nix", content)
            .file("nixos-26.05pre1." + revision.substring(0, 7) + "/.git-revision", revision)
            .end());
  }

  static byte[] xz(byte[] archive) {
    return xz(archive, 0);
  }

  static byte[] xz(byte[] archive, int preset) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (OutputStream out = new XZOutputStream(bytes, new LZMA2Options(preset))) {
      out.write(archive);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  static byte[] gzip(byte[] archive) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (OutputStream out = new GZIPOutputStream(bytes)) {
      out.write(archive);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  static ByteArrayInputStream stream(byte[] bytes) {
    return new ByteArrayInputStream(bytes);
  }

  /** Writes an archive entry by entry, whatever is in it. */
  static final class Tar {

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    Tar folder(String name) {
      return entry('5', name, "", "");
    }

    Tar file(String name, String content) {
      return entry('0', name, "", content);
    }

    Tar link(String name, String target) {
      return entry('2', name, target, "");
    }

    Tar pax(char type, String... records) {
      StringBuilder content = new StringBuilder();
      for (String keyAndValue : records) {
        int length = keyAndValue.getBytes(StandardCharsets.UTF_8).length + 3;
        while (String.valueOf(length).length() + keyAndValue.length() + 2 > length) {
          length++;
        }
        content.append(length).append(' ').append(keyAndValue).append('\n');
      }
      return entry(type, "header", "", content.toString());
    }

    Tar entry(char type, String name, String target, String content) {
      return entry(type, name, target, content.getBytes(StandardCharsets.UTF_8));
    }

    Tar entry(char type, String name, String target, byte[] content) {
      header(type, name, target, Long.toOctalString(content.length));
      bytes.writeBytes(content);
      bytes.writeBytes(new byte[Math.floorMod(-content.length, 512)]);
      return this;
    }

    Tar header(char type, String name, String target, String size) {
      byte[] header = new byte[512];
      put(header, 0, name);
      put(header, 100, "0000644");
      put(header, 108, "0000000");
      put(header, 116, "0000000");
      put(header, 124, size);
      put(header, 136, "00000000001");
      put(header, 148, "        ");
      header[156] = (byte) type;
      put(header, 157, target);
      put(header, 257, "ustar");
      put(header, 263, "00");
      int sum = 0;
      for (byte b : header) {
        sum += b & 0xff;
      }
      put(header, 148, "%06o".formatted(sum));
      header[154] = 0;
      bytes.writeBytes(header);
      return this;
    }

    private static void put(byte[] header, int offset, String text) {
      byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
      System.arraycopy(encoded, 0, header, offset, encoded.length);
    }

    byte[] raw() {
      return bytes.toByteArray();
    }

    byte[] end() {
      bytes.writeBytes(new byte[1024]);
      return bytes.toByteArray();
    }
  }

  static final List<String> REVISIONS =
      List.of(
          "bbb4df715cb62e53cd329090c2b69eb07f2bddac",
          "b75693fb46bfaf09e662d09ec076c5a162efa9f6",
          "442793d9ec0584f6a6e82fa253850c8085bb150a");
}

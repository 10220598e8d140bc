package nixery.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

/** Pulls images and checks that everything in them is what it is said to be. */
final class Pull {

  private static final Pattern DESCRIPTOR =
      Pattern.compile("\"size\":(\\d+),\"digest\":\"(sha256:[0-9a-f]{64})\"");
  private static final Pattern DIFF_IDS = Pattern.compile("\"diff_ids\":\\[([^]]*)]");

  private Pull() {}

  static String image(TestServer server, String name, String reference, String accept) {
    HttpResponse<byte[]> manifest =
        server.get("/v2/%s/manifests/%s".formatted(name, reference), "Accept", accept);
    assertThat(manifest.statusCode()).as("%s", text(manifest.body())).isEqualTo(200);
    String digest = digest(manifest.body());
    assertThat(manifest.headers().firstValue("Docker-Content-Digest")).contains(digest);

    List<String> diffIds = List.of();
    List<String> expected = List.of();
    Matcher descriptors = DESCRIPTOR.matcher(text(manifest.body()));
    boolean config = true;
    while (descriptors.find()) {
      byte[] blob = blob(server, name, descriptors.group(2));
      assertThat(blob).hasSize(Integer.parseInt(descriptors.group(1)));
      assertThat(digest(blob)).isEqualTo(descriptors.group(2));
      if (config) {
        Matcher ids = DIFF_IDS.matcher(text(blob));
        assertThat(ids.find()).isTrue();
        expected = List.of(ids.group(1).replace("\"", "").split(","));
        config = false;
      } else {
        diffIds = Stream.concat(diffIds.stream(), Stream.of(digest(unzip(blob)))).toList();
      }
    }
    assertThat(diffIds).isNotEmpty().isEqualTo(expected);
    return digest;
  }

  private static byte[] blob(TestServer server, String name, String digest) {
    HttpResponse<byte[]> blob = server.get("/v2/%s/blobs/%s".formatted(name, digest));
    assertThat(blob.statusCode()).isEqualTo(200);
    return blob.body();
  }

  private static byte[] unzip(byte[] gzip) {
    try (InputStream stream = new GZIPInputStream(new ByteArrayInputStream(gzip))) {
      return stream.readAllBytes();
    } catch (IOException e) {
      throw new AssertionError("a layer is no gzip", e);
    }
  }

  static String digest(byte[] bytes) {
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      return "sha256:" + HexFormat.of().formatHex(sha256.digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}

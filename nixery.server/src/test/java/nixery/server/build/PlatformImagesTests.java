package nixery.server.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import nixery.api.source.ResolvedTag;
import nixery.api.storage.Delivery;
import nixery.api.storage.StoredObject;
import nixery.image.Architecture;
import nixery.image.Digest;
import nixery.image.Document;
import nixery.image.MediaTypes;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** One name, several platforms. */
@Timeout(60)
final class PlatformImagesTests {

  private static final List<Architecture> BOTH = List.of(Architecture.ARM64, Architecture.AMD64);

  private final Map<Digest, Document> kept = new ConcurrentHashMap<>();

  /** Makes images whose manifests are their names, and finds what is kept. */
  private final class Named implements Images {

    final ConcurrentSkipListSet<String> asked = new ConcurrentSkipListSet<>();
    final ConcurrentSkipListSet<String> revisions = new ConcurrentSkipListSet<>();
    final AtomicInteger resolved = new AtomicInteger();
    UnaryOperator<String> build = name -> name;
    List<String> forms = List.of(MediaTypes.DOCKER_MANIFEST, MediaTypes.OCI_MANIFEST);

    @Override
    public List<String> forms(String name) {
      return forms;
    }

    /** The tag moves each time. */
    @Override
    public ResolvedTag resolve(String tag) {
      String revision = String.valueOf(resolved.incrementAndGet());
      return new ResolvedTag(tag, Optional.of(revision), Optional.empty());
    }

    @Override
    public Image image(String name, ResolvedTag tag) {
      asked.add(name + ":" + tag.tag());
      revisions.add(tag.revision().orElseThrow());
      String text = build.apply(name);
      return new Image(
          Optional.of(document(MediaTypes.DOCKER_MANIFEST, "docker " + text)),
          document(MediaTypes.OCI_MANIFEST, "oci " + text));
    }

    @Override
    public Optional<Document> manifest(Digest digest) {
      return Optional.ofNullable(kept.get(digest));
    }

    @Override
    public Optional<Delivery> blob(Digest digest) {
      return Optional.empty();
    }

    @Override
    public Optional<StoredObject> openBlob(Digest digest, long offset) {
      return Optional.empty();
    }

    @Override
    public List<String> tags() {
      return List.of("latest");
    }
  }

  private final Named images = new Named();

  private PlatformImages platforms() {
    return new PlatformImages(images, index -> kept.put(index.digest(), index), BOTH);
  }

  private static Document document(String type, String text) {
    return Document.of(type, text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void anIndexListsTheManifestsInTheOrderOfThePlatforms() {
    Document list = platforms().manifest("shell/git", "v1", MediaTypes.DOCKER_LIST);
    assertThat(list.mediaType()).isEqualTo(MediaTypes.DOCKER_LIST);
    JsonNode json = new JsonMapper().readTree(list.bytes());
    assertThat(json.get("schemaVersion").asInt()).isEqualTo(2);
    assertThat(json.get("mediaType").asString()).isEqualTo(MediaTypes.DOCKER_LIST);
    Document arm = document(MediaTypes.DOCKER_MANIFEST, "docker arm64/shell/git");
    assertThat(json.get("manifests").get(0).toString())
        .isEqualTo(
            "{\"mediaType\":\"%s\",\"size\":%d,\"digest\":\"%s\",\"platform\":{\"architecture\":\"arm64\",\"os\":\"linux\"}}"
                .formatted(arm.mediaType(), arm.bytes().length, arm.digest()));
    assertThat(json.at("/manifests/1/platform/architecture").asString()).isEqualTo("amd64");
    assertThat(json.get("manifests").size()).isEqualTo(2);
    assertThat(images.asked).containsExactly("amd64/shell/git:v1", "arm64/shell/git:v1");

    Document index = platforms().manifest("shell/git", "v1", MediaTypes.OCI_INDEX);
    assertThat(index.mediaType()).isEqualTo(MediaTypes.OCI_INDEX);
    assertThat(new JsonMapper().readTree(index.bytes()).at("/manifests/0/digest").asString())
        .isEqualTo(document(MediaTypes.OCI_MANIFEST, "oci arm64/shell/git").digest().toString());
    assertThat(index).isEqualTo(platforms().manifest("shell/git", "v1", MediaTypes.OCI_INDEX));
  }

  @Test
  void allManifestsOfAnIndexAreOfOneRevisionThoughTheTagMoves() {
    platforms().manifest("git", "main", MediaTypes.OCI_INDEX);
    assertThat(images.asked).hasSize(2);
    assertThat(images.revisions).containsExactly("1");
  }

  @Test
  void anIndexIsFoundByItsDigestAndComesBackWhenItWasLost() {
    PlatformImages platforms = platforms();
    Document index = platforms.manifest("git", "v1", MediaTypes.OCI_INDEX);
    assertThat(platforms.manifest(index.digest())).contains(index);

    kept.clear();
    assertThat(platforms.manifest(index.digest())).isEmpty();
    assertThat(platforms.manifest("git", "v1", MediaTypes.OCI_INDEX)).isEqualTo(index);
    assertThat(platforms.manifest(index.digest())).contains(index);
  }

  @Test
  void clientsWithoutIndexesGetTheFirstPlatformAndNothingElseIsBuilt() {
    assertThat(platforms().manifest("git", "v1", MediaTypes.OCI_MANIFEST))
        .isEqualTo(document(MediaTypes.OCI_MANIFEST, "oci arm64/git"));
    assertThat(images.asked).containsExactly("arm64/git:v1");
  }

  @Test
  void thereIsNoListOfWhatHasNoDockerManifest() {
    images.forms = List.of(MediaTypes.OCI_MANIFEST);
    assertThat(platforms().forms("git"))
        .containsExactly(MediaTypes.OCI_INDEX, MediaTypes.OCI_MANIFEST);
  }

  @Test
  void aNameWithAnArchitectureHasNoIndex() {
    PlatformImages platforms = platforms();
    assertThat(platforms.forms("git"))
        .containsExactly(
            MediaTypes.DOCKER_LIST,
            MediaTypes.OCI_INDEX,
            MediaTypes.DOCKER_MANIFEST,
            MediaTypes.OCI_MANIFEST);
    for (String name : List.of("amd64/git", "shell/arm64/git")) {
      assertThat(platforms.forms(name))
          .containsExactly(MediaTypes.DOCKER_MANIFEST, MediaTypes.OCI_MANIFEST);
      assertThat(platforms.manifest(name, "v1", MediaTypes.DOCKER_MANIFEST))
          .isEqualTo(document(MediaTypes.DOCKER_MANIFEST, "docker " + name));
    }
  }

  @Test
  void platformsAreBuiltAtTheSameTime() {
    CountDownLatch both = new CountDownLatch(2);
    images.build =
        name -> {
          both.countDown();
          try {
            assertThat(both.await(30, TimeUnit.SECONDS)).isTrue();
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
          return name;
        };
    platforms().manifest("git", "v1", MediaTypes.OCI_INDEX);
  }

  @Test
  void oneThatFailsFailsTheIndexByName() {
    images.build =
        name -> {
          if (name.startsWith("amd64/")) {
            throw new Failure(FailureCode.BUILD_FAILED, "no such compiler");
          }
          return name;
        };
    assertThatThrownBy(() -> platforms().manifest("git", "v1", MediaTypes.OCI_INDEX))
        .isInstanceOfSatisfying(
            Failure.class,
            failure -> assertThat(failure.code()).isEqualTo(FailureCode.BUILD_FAILED))
        .hasMessage(
            "for linux/amd64: no such compiler (there is an image for one platform alone:"
                + " arm64/git)");
    assertThat(kept).isEmpty();
  }

  @Test
  void whatFailsAlikeEverywhereIsSaidOnce() {
    images.build =
        name -> {
          throw new Failure(FailureCode.PACKAGE_UNKNOWN, "no package 'gti'");
        };
    assertThatThrownBy(() -> platforms().manifest("gti", "v1", MediaTypes.OCI_INDEX))
        .hasMessage("no package 'gti'");
    images.build =
        name -> {
          throw new Failure(FailureCode.PACKAGE_UNKNOWN, "no package " + name);
        };
    assertThatThrownBy(() -> platforms().manifest("gti", "v1", MediaTypes.OCI_INDEX))
        .hasMessage("for linux/arm64: no package arm64/gti");
    assertThat(new TreeSet<>(images.asked)).hasSize(2);
  }

  @Test
  void whatIsWrongWithTheNameIsToldBeforeTheTagIsLookedFor() {
    String name = IntStream.range(0, 1000).mapToObj(i -> "p" + i).collect(Collectors.joining("/"));
    for (String form : List.of(MediaTypes.DOCKER_LIST, MediaTypes.OCI_INDEX)) {
      assertThatThrownBy(() -> platforms().manifest(name, "v1", form))
          .hasMessageContaining("an image may name at most");
    }
    assertThat(images.resolved).hasValue(0);
  }
}

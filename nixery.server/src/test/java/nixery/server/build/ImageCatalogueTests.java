package nixery.server.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import nixery.api.source.ResolvedTag;
import nixery.api.source.SourceException;
import nixery.api.source.SourceUnavailableException;
import nixery.api.source.UnknownTagException;
import nixery.api.storage.Delivery;
import nixery.api.storage.StoredObject;
import nixery.image.Digest;
import nixery.image.Document;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import nixery.server.progress.Build;
import nixery.server.progress.Builds;
import nixery.server.progress.Redaction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the pages are told when there is no image. */
final class ImageCatalogueTests {

  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Builds builds = new Builds(true, new Redaction(List.of()));

  @AfterEach
  void stop() {
    threads.close();
  }

  /** Images none of which can be had. */
  private record Failing(Runnable work) implements Images {

    @Override
    public ResolvedTag resolve(String tag) {
      return new ResolvedTag(tag, Optional.empty(), Optional.empty());
    }

    @Override
    public Image image(String name, ResolvedTag tag) {
      work.run();
      throw new AssertionError("this must fail");
    }

    @Override
    public Optional<Document> manifest(Digest digest) {
      return Optional.empty();
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
      return List.of();
    }
  }

  private ImageCatalogue catalogue(Runnable work, ImageCatalogue.Library library) {
    return new ImageCatalogue(new Failing(work), library, new Semaphore(1), builds, threads);
  }

  private ImageCatalogue catalogue(Runnable work) {
    return catalogue(work, null);
  }

  private static ResolvedTag fail(SourceException e) {
    throw e;
  }

  private void fail(FailureCode code) {
    throw new Failure(code, "no");
  }

  private void build(FailureCode code) {
    builds.run(
        "git",
        "latest",
        _ -> {
          fail(code);
          return "";
        });
  }

  private static void assertFails(Runnable work, FailureCode code) {
    assertThatThrownBy(work::run)
        .isInstanceOfSatisfying(
            Failure.class, failure -> assertThat(failure.code()).isEqualTo(code));
  }

  @Test
  void whatIsWrongWithATagIsAFailureOfThePreview() {
    for (SourceException e :
        List.of(new UnknownTagException("no"), new SourceUnavailableException("no"))) {
      ImageCatalogue catalogue =
          catalogue(
              () -> {},
              new ImageCatalogue.Library(
                  "source", _ -> fail(e), null, null, null, new RecentImages(), null));
      assertFails(
          () -> catalogue.preview("git", "no"),
          e instanceof UnknownTagException
              ? FailureCode.TAG_UNKNOWN
              : FailureCode.SOURCE_UNAVAILABLE);
    }
  }

  @Test
  void aFailureWithoutABuildIsToldThoughThereWasABuildBefore() {
    builds.run("git", "latest", Build::id);
    ImageCatalogue catalogue = catalogue(() -> fail(FailureCode.TAG_UNKNOWN));
    assertFails(() -> catalogue.start("git", "latest"), FailureCode.TAG_UNKNOWN);
    assertFails(() -> build(FailureCode.BUILD_FAILED), FailureCode.BUILD_FAILED);
    assertFails(() -> catalogue.start("git", "latest"), FailureCode.TAG_UNKNOWN);
  }

  @Test
  void aBuildThatFailsIsShown() {
    Catalogue.Started first =
        catalogue(() -> build(FailureCode.BUILD_FAILED)).start("git", "latest");
    Catalogue.Started expected = new Catalogue.Started.Building(builds.failed().getFirst().id());
    assertThat(first).isEqualTo(expected);
    // The failure is told a little longer than the build takes.
    assertThat(catalogue(() -> fail(FailureCode.BUILD_FAILED)).start("git", "latest"))
        .isEqualTo(expected);
  }
}

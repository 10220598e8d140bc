package nixery.server.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import nixery.api.PluginContext;
import nixery.api.Settings;
import nixery.api.storage.Content;
import nixery.api.storage.Key;
import nixery.api.storage.Storage;
import nixery.api.storage.StorageException;
import nixery.server.failure.Failure;
import nixery.server.failure.FailureCode;
import nixery.storage.fs.FileSystemStorageProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class MetricsTests {

  private final Metrics metrics = new Metrics("1.2.3");

  @TempDir Path folder;

  private double value(String series) {
    return Samples.of(metrics).get(series);
  }

  @Test
  void whatHasNotHappenedIsZero() {
    assertThat(Samples.of(metrics))
        .containsEntry("nixery_builds_total{code=\"\",outcome=\"ok\"}", 0.0)
        .containsEntry("nixery_builds_total{code=\"BUILD_FAILED\",outcome=\"user\"}", 0.0)
        .containsEntry("nixery_cache_lookups_total{cache=\"revision\",result=\"hit\"}", 0.0)
        .containsEntry("nixery_source_warnings_total", 0.0)
        .containsEntry("nixery_phase_duration_seconds_count{phase=\"realise\"}", 0.0);
  }

  @Test
  void saysWhatRuns() {
    assertThat(Samples.of(metrics).keySet())
        .anyMatch(series ->
            series.startsWith("nixery_build_info{") && series.contains("version=\"1.2.3\""));
    assertThat(value("jvm_memory_used_bytes{area=\"heap\"}")).isPositive();
    assertThat(value("jvm_threads_current")).isPositive();
    assertThat(value("process_open_fds")).isPositive();
    assertThat(value("process_cpu_seconds_total")).isPositive();
    assertThat(value("process_start_time_seconds")).isGreaterThan(1e9);
  }

  @Test
  void instancesKnowNothingOfEachOther() {
    metrics.sourceWarned();
    assertThat(Samples.of(new Metrics("other"))).containsEntry("nixery_source_warnings_total", 0.0);
    assertThat(value("nixery_source_warnings_total")).isEqualTo(1);
  }

  @Test
  void countsBuildsByOutcome() {
    assertThat(metrics.build(() -> "image")).isEqualTo("image");
    assertThatThrownBy(() ->
            metrics.build(() -> {
              throw new Failure(FailureCode.NIX_UNAVAILABLE, "no Nix");
            }))
        .isInstanceOf(Failure.class);
    assertThatThrownBy(() -> metrics.build(() -> List.of().getFirst()))
        .isInstanceOf(RuntimeException.class);
    assertThat(value("nixery_builds_total{code=\"\",outcome=\"ok\"}")).isEqualTo(1);
    assertThat(value("nixery_builds_total{code=\"NIX_UNAVAILABLE\",outcome=\"external\"}"))
        .isEqualTo(1);
    assertThat(value("nixery_builds_total{code=\"INTERNAL\",outcome=\"internal\"}")).isEqualTo(1);
  }

  @Test
  void measuresPhasesThatFailToo() throws IOException {
    assertThat(metrics.time(Phase.PACK, () -> Files.createFile(folder.resolve("layer")))).exists();
    assertThatThrownBy(
            () -> metrics.time(Phase.PACK, () -> Files.createFile(folder.resolve("layer"))))
        .isInstanceOf(IOException.class);
    assertThat(value("nixery_phase_duration_seconds_count{phase=\"pack\"}")).isEqualTo(2);
    assertThat(value("nixery_phase_duration_seconds_bucket{phase=\"pack\",le=\"+Inf\"}"))
        .isEqualTo(2);
  }

  @Test
  void measuresTheStorage() throws IOException {
    Settings settings = Settings.of(Map.of("STORAGE_PATH", folder.toString()));
    PluginContext context = new PluginContext(settings, folder);
    Key key = Key.of("blobs", "one");
    try (Storage storage =
        new MeteredStorage(new FileSystemStorageProvider().open(context), metrics)) {
      storage.put(key, Content.of(new byte[3], "text/plain"));
      assertThat(storage.stat(key)).contains(3L);
      assertThat(storage.spool()).isPresent();
      assertThatThrownBy(() -> storage.open(key, 4)).isInstanceOf(StorageException.class);
      assertThat(storage.writeRecord(Key.of("records", "one"), new byte[1], Optional.empty()))
          .isPresent();
    }
    assertThat(value("nixery_storage_call_duration_seconds_count{operation=\"put\"}")).isEqualTo(1);
    assertThat(value("nixery_storage_call_duration_seconds_count{operation=\"open\"}"))
        .isEqualTo(1);
    assertThat(value("nixery_storage_failures_total{operation=\"open\"}")).isEqualTo(1);
    assertThat(Samples.of(metrics))
        .containsKey("nixery_storage_call_duration_seconds_count{operation=\"write_record\"}")
        .containsEntry("nixery_storage_failures_total{operation=\"put\"}", 0.0);
  }
}

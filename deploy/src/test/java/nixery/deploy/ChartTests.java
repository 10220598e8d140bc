package nixery.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.marcnuri.helm.Helm;
import com.marcnuri.helm.LintResult;
import com.marcnuri.helm.TemplateCommand;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import io.fabric8.kubernetes.api.model.networking.v1.Ingress;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the chart renders: that Kubernetes knows all of it, and that it is what was meant. */
final class ChartTests {

  private static final Path CHART = Path.of("chart");
  private static final KubernetesSerialization KUBERNETES = new KubernetesSerialization();

  @TempDir Path folder;

  static Stream<String> examples() throws IOException {
    try (Stream<Path> files = Files.list(CHART.resolve("ci"))) {
      return Stream.concat(
          Stream.of(""),
          files.map(file -> file.getFileName().toString()).sorted().toList().stream());
    }
  }

  @Test
  void helmHasNothingToSayAgainstTheChart() {
    LintResult result = new Helm(CHART).lint().strict().call();
    assertThat(result.isFailed()).as("%s", result.getMessages()).isFalse();
  }

  /** Each field that is rendered is one that the kind of object has. */
  @ParameterizedTest
  @MethodSource("examples")
  void kubernetesKnowsEveryField(String example) throws IOException {
    for (HasMetadata object : objects(example(example))) {
      if (object instanceof GenericKubernetesResource generic) {
        assertThat(generic.getKind()).isEqualTo("ServiceMonitor");
      } else {
        Fields.assertKnown(object);
      }
    }
  }

  @Test
  void aFieldThatKubernetesDoesNotKnowWouldBeNoticed() {
    HasMetadata service =
        KUBERNETES.unmarshal(
            """
            {"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 1, "targetport": 2}]}}
            """);
    assertThatThrownBy(() -> Fields.assertKnown(service)).hasMessageContaining("targetport");
  }

  /** Whatever selects the pods finds them, and all that pods refer to is there. */
  @ParameterizedTest
  @MethodSource("examples")
  void theObjectsFitTogether(String example) throws IOException {
    List<HasMetadata> objects = objects(example(example));
    StatefulSet set = only(StatefulSet.class, objects);
    PodSpec pod = set.getSpec().getTemplate().getSpec();
    assertThat(set.getSpec().getTemplate().getMetadata().getLabels())
        .containsAllEntriesOf(set.getSpec().getSelector().getMatchLabels());
    assertThat(names(objects, "Service"))
        .contains(set.getSpec().getServiceName(), set.getMetadata().getName());

    TreeSet<String> volumes =
        new TreeSet<>(pod.getVolumes().stream().map(Volume::getName).toList());
    set.getSpec()
        .getVolumeClaimTemplates()
        .forEach(claim -> assertThat(volumes.add(claim.getMetadata().getName())).isTrue());
    TreeSet<String> mounted = new TreeSet<>();
    for (Container container : containers(pod)) {
      assertThat(container.getVolumeMounts())
          .extracting(VolumeMount::getMountPath)
          .doesNotHaveDuplicates();
      container.getVolumeMounts().forEach(mount -> mounted.add(mount.getName()));
      assertThat(container.getSecurityContext().getReadOnlyRootFilesystem()).isTrue();
      assertThat(container.getSecurityContext().getAllowPrivilegeEscalation()).isFalse();
      assertThat(container.getSecurityContext().getCapabilities().getDrop()).containsExactly("ALL");
    }
    assertThat(mounted).isEqualTo(volumes);
    assertThat(pod.getSecurityContext().getRunAsNonRoot()).isTrue();
    assertThat(names(objects, "ConfigMap"))
        .contains(server(pod).getEnvFrom().getFirst().getConfigMapRef().getName());
    if (!pod.getServiceAccountName().equals("default")) {
      assertThat(names(objects, "ServiceAccount")).contains(pod.getServiceAccountName());
    }
  }

  @Test
  void aServerHasTheTimeToStopThatItIsPromised() {
    List<HasMetadata> objects =
        objects(chart().set("shutdown.drainSeconds", 20).set("shutdown.graceSeconds", 100));
    assertThat(settings(objects).getData())
        .containsEntry("NIXERY_DRAIN", "20")
        .containsEntry("NIXERY_GRACE", "100");
    assertThat(pod(objects).getTerminationGracePeriodSeconds()).isEqualTo(150);
  }

  @Test
  void theProbesAskTheServersOwnPages() throws IOException {
    Container server = server(pod(objects(chart())));
    assertThat(server.getReadinessProbe().getHttpGet().getPath()).isEqualTo("/health/ready");
    assertThat(server.getLivenessProbe().getHttpGet().getPath()).isEqualTo("/health/live");
    assertThat(server.getStartupProbe().getHttpGet().getPath()).isEqualTo("/health/live");
    assertThat(Files.readString(Path.of("../docs/operations.md")))
        .contains("/health/ready", "/health/live");
    // docs/operations.md: a trial may take five seconds.
    assertThat(server.getReadinessProbe().getTimeoutSeconds()).isGreaterThan(5);
  }

  @Test
  void anotherUserHasAName() throws IOException {
    List<HasMetadata> objects = objects(example("user.yaml"));
    PodSpec pod = pod(objects);
    assertThat(pod.getSecurityContext().getRunAsUser()).isEqualTo(20000);
    for (Container container : containers(pod)) {
      VolumeMount passwd =
          container.getVolumeMounts().stream()
              .filter(mount -> mount.getMountPath().equals("/etc/passwd"))
              .findFirst()
              .orElseThrow();
      String map =
          pod.getVolumes().stream()
              .filter(volume -> volume.getName().equals(passwd.getName()))
              .findFirst()
              .orElseThrow()
              .getConfigMap()
              .getName();
      assertThat(configMap(map, objects).getData().get(passwd.getSubPath()))
          .contains("\nnixery:x:20000:30000::/home/nixery:/bin/sh\n");
    }
    assertThat(server(pod).getVolumeMounts())
        .extracting(VolumeMount::getMountPath)
        .contains("/home/nixery/.ssh");
  }

  /** As OpenShift wants it, which picks the user itself and names it. */
  @Test
  void aUserThatIsLeftToTheClusterIsNotNamed() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("values.yaml"), "securityContext: {runAsUser: null, runAsGroup: null}");
    List<HasMetadata> objects = objects(chart().withValuesFile(file));
    PodSpec pod = pod(objects);
    assertThat(pod.getSecurityContext().getRunAsUser()).isNull();
    assertThat(pod.getSecurityContext().getFsGroup()).isNull();
    assertThat(names(objects, "ConfigMap")).hasSize(1);
    assertThat(containers(pod))
        .flatExtracting(Container::getVolumeMounts)
        .extracting(VolumeMount::getMountPath)
        .doesNotContain("/etc/passwd");
  }

  @Test
  void replicasShareABucketAndScale() throws IOException {
    List<HasMetadata> objects = objects(example("bucket.yaml"));
    assertThat(settings(objects).getData())
        .containsEntry("NIXERY_STORAGE_BACKEND", "gcs")
        .containsEntry("GCS_BUCKET", "my-layers")
        .containsEntry("NIXERY_PKGS_REPO", "git@git.example.com:packages.git")
        .containsEntry("NIX_TIMEOUT", "600")
        .doesNotContainKeys("NIXERY_CHANNEL", "STORAGE_PATH", "GOOGLE_APPLICATION_CREDENTIALS");
    assertThat(settings(objects).getData().get("NIX_CONFIG"))
        .contains("sandbox = false\n", "\ntrusted-public-keys = cache.example.com-1:AAAA");
    HorizontalPodAutoscaler scaler = only(HorizontalPodAutoscaler.class, objects);
    assertThat(scaler.getSpec().getScaleTargetRef().getKind()).isEqualTo("StatefulSet");
    assertThat(only(StatefulSet.class, objects).getSpec().getReplicas()).isNull();
    assertThat(only(Ingress.class, objects).getMetadata().getAnnotations())
        .containsEntry("nginx.ingress.kubernetes.io/proxy-read-timeout", "1800");
  }

  /** The variables that the chart sets are ones that the server reads. */
  @Test
  void theServerKnowsEveryVariable() throws IOException {
    String reference = Files.readString(Path.of("../README.md"));
    for (String example : examples().toList()) {
      for (String name : settings(objects(example(example))).getData().keySet()) {
        if (!List.of("HOME", "NIX_CONFIG").contains(name) && !name.startsWith("XDG_")) {
          assertThat(reference.contains("| `" + name + "` |")).as(name).isTrue();
        }
      }
    }
  }

  @Test
  void whatThePlainManifestsHoldIsWhatTheChartRenders() throws IOException {
    Path manifests = Path.of("manifests.yaml");
    String rendered = Manifests.render();
    assertThat(Files.readString(manifests)).as("regenerate it: deploy/render").isEqualTo(rendered);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{replica: 2}",
        "{replicas: -1}",
        "{replicas: two}",
        "{storage: {backend: s3}}",
        "{storage: {gcs: {buckett: b}}}",
        "{storage: {gcs: {bucket: My_Bucket!}}}",
        "{store: {size: large}}",
        "{service: {type: Ingress}}",
        "{service: {nodePort: 80}}",
        "{ingress: {host: 'https://nixery.example.com'}}",
        "{settings: {PATH: /bin}}",
        "{settings: {NIX_TIMEOUT: 600}}",
        "{resources: {limits: {memory: much}}}",
        "{securityContext: {runAsUser: 0}}",
        "{log: {format: xml}}",
        "{podDisruptionBudget: {maxUnavailable: half}}",
        "{networkPolicy: {egressPorts: [0]}}"
      })
  void wrongValuesAreRefused(String values) throws IOException {
    Path file = Files.writeString(folder.resolve("values.yaml"), values);
    assertThatThrownBy(() -> chart().withValuesFile(file).call())
        .hasMessageContaining("values don't meet the specifications of the schema");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{source: {repository: a}}: exactly one",
        "{source: {channel: ''}}: exactly one",
        "{storage: {backend: gcs}}: storage.gcs.bucket",
        "{replicas: 2}: a storage that they share",
        "{autoscaling: {enabled: true}}: a storage that they share"
      })
  void valuesThatDoNotFitTogetherAreRefused(String valuesAndMessage) throws IOException {
    int end = valuesAndMessage.lastIndexOf(": ");
    Path file =
        Files.writeString(folder.resolve("values.yaml"), valuesAndMessage.substring(0, end));
    assertThatThrownBy(() -> chart().withValuesFile(file).call())
        .hasMessageContaining(valuesAndMessage.substring(end + 2));
  }

  private static TemplateCommand chart() {
    return Manifests.chart();
  }

  private static TemplateCommand example(String name) {
    return name.isEmpty() ? chart() : chart().withValuesFile(CHART.resolve("ci").resolve(name));
  }

  private static List<HasMetadata> objects(TemplateCommand command) {
    return Arrays.stream(command.call().split("(?m)^---\n"))
        .filter(document -> document.lines().anyMatch(line -> line.startsWith("kind:")))
        .map(document -> (HasMetadata) KUBERNETES.unmarshal(document))
        .toList();
  }

  private static List<String> names(List<HasMetadata> objects, String kind) {
    return objects.stream()
        .filter(object -> object.getKind().equals(kind))
        .map(object -> object.getMetadata().getName())
        .toList();
  }

  private static <T> T only(Class<T> type, List<HasMetadata> objects) {
    List<T> found = objects.stream().filter(type::isInstance).map(type::cast).toList();
    assertThat(found).hasSize(1);
    return found.getFirst();
  }

  private static ConfigMap configMap(String name, List<HasMetadata> objects) {
    return only(
        ConfigMap.class,
        objects.stream().filter(object -> object.getMetadata().getName().equals(name)).toList());
  }

  /** Returns the variables of the server. */
  private static ConfigMap settings(List<HasMetadata> objects) {
    return configMap(
        server(pod(objects)).getEnvFrom().getFirst().getConfigMapRef().getName(), objects);
  }

  private static PodSpec pod(List<HasMetadata> objects) {
    return only(StatefulSet.class, objects).getSpec().getTemplate().getSpec();
  }

  private static List<Container> containers(PodSpec pod) {
    return Stream.concat(pod.getInitContainers().stream(), pod.getContainers().stream()).toList();
  }

  private static Container server(PodSpec pod) {
    return pod.getContainers().getFirst();
  }
}

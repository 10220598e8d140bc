package nixery.server.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import nixery.api.PluginContext;
import nixery.api.Settings;
import nixery.api.storage.Key;
import nixery.api.storage.Storage;
import nixery.image.Architecture;
import nixery.image.Compression;
import nixery.image.Digest;
import nixery.image.ImageConfig;
import nixery.image.ImageDocuments;
import nixery.image.PackedLayer;
import nixery.image.PackedLayerInfo;
import nixery.server.nix.Output;
import nixery.server.nix.Resolved;
import nixery.storage.fs.FileSystemStorageProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is kept is found again, and what was damaged is as good as lost. */
final class ImageStoreTests {

  private static final Digest ID = digest("id");
  private static final LayerKeys LAYER = new LayerKeys(ID, digest("gzip"));
  private static final Digest KEY = digest("key");

  @TempDir Path folder;

  private Storage storage;
  private ImageStore store;

  @BeforeEach
  void open() {
    Map<String, String> environment = Map.of("STORAGE_PATH", folder.resolve("storage").toString());
    storage =
        new FileSystemStorageProvider().open(new PluginContext(Settings.of(environment), folder));
    store = new ImageStore(storage, Duration.ZERO);
  }

  @AfterEach
  void close() {
    store.close();
    storage.close();
  }

  private static Digest digest(String text) {
    return Digest.of(text.getBytes(StandardCharsets.UTF_8));
  }

  private PackedLayerInfo saveLayer() throws IOException {
    return saveLayer(LAYER, "the layer");
  }

  private PackedLayerInfo saveLayer(LayerKeys keys, String contents) throws IOException {
    Path file = Files.writeString(folder.resolve("layer"), contents);
    PackedLayer layer =
        new PackedLayer(
            file, digest(contents), Files.size(file), digest("unpacked"), Compression.GZIP);
    store.saveLayer(keys, layer);
    return layer.info();
  }

  private Image saveImage() throws IOException {
    return saveImage(saveLayer(), System.nanoTime());
  }

  private Image saveImage(PackedLayerInfo layer, long since) {
    List<PackedLayerInfo> layers = List.of(layer);
    return store.saveImage(
        KEY,
        layers,
        ImageDocuments.of(ImageConfig.of(Architecture.AMD64, List.of()), layers),
        since);
  }

  /** Changes the file of an object. */
  private void damage(Digest object, String contents) throws IOException {
    try (Stream<Path> files = Files.walk(folder.resolve("storage"))) {
      Path file = files.filter(each -> each.endsWith(object.hex())).findFirst().orElseThrow();
      Files.delete(file);
      Files.writeString(file, contents);
    }
  }

  private void overwrite(Key key, String contents) {
    storage.writeRecord(
        key,
        contents.getBytes(StandardCharsets.UTF_8),
        storage.readRecord(key).map(record -> record.version()));
  }

  @Test
  void layersAndImagesAreFoundAgain() throws IOException {
    PackedLayerInfo layer = saveLayer();
    assertThat(store.findLayer(LAYER)).contains(layer);
    Image image = saveImage();
    assertThat(store.findImage(KEY)).contains(image);
    store.alias(KEY, ID);
    assertThat(store.findImage(ID)).contains(image);
    assertThat(store.findManifest(image.oci().digest())).contains(image.oci());
    assertThat(store.findImage(digest("other"))).isEmpty();
  }

  /** Servers on one storage may have other libraries to compress with. */
  @Test
  void serversUseWhatOthersPackedUnlessTheyPackedItThemselves() throws IOException {
    PackedLayerInfo own = saveLayer();
    LayerKeys others = new LayerKeys(digest("other library"), LAYER.shared());
    assertThat(store.findLayer(others)).contains(own);
    PackedLayerInfo other = saveLayer(others, "other bytes");
    assertThat(store.findLayer(others)).contains(other);
    assertThat(store.findLayer(LAYER)).contains(own);

    damage(own.digest(), "");
    assertThat(store.findLayer(LAYER)).contains(other);
    assertThat(store.findLayer(new LayerKeys(LAYER.own(), digest("zstd")))).isEmpty();
  }

  @Test
  void imagesWithoutDockerManifestAreFoundAgain() throws IOException {
    PackedLayerInfo packed = saveLayer();
    PackedLayerInfo layer =
        new PackedLayerInfo(packed.digest(), packed.size(), packed.diffId(), Compression.ZSTD);
    Image image = saveImage(layer, System.nanoTime());
    assertThat(image.docker()).isEmpty();
    assertThat(store.findImage(KEY)).contains(image);
  }

  @Test
  void aTruncatedLayerIsNoticedAndReplaced() throws IOException {
    Image image = saveImage();
    damage(digest("the layer"), "the");
    assertThat(store.findLayer(LAYER)).isEmpty();
    assertThat(store.findImage(KEY)).isEmpty();

    PackedLayerInfo layer = saveLayer();
    assertThat(store.findLayer(LAYER)).contains(layer);
    assertThat(store.findImage(KEY)).contains(image);
  }

  @Test
  void aDamagedManifestIsNotServed() throws IOException {
    Image image = saveImage();
    damage(image.docker().orElseThrow().digest(), "{}");
    remember(Duration.ZERO);
    assertThat(store.findManifest(image.docker().orElseThrow().digest())).isEmpty();
    assertThat(store.findImage(KEY)).isEmpty();
    saveImage();
    assertThat(store.findImage(KEY)).contains(image);
  }

  /** Opens a store that remembers. */
  private void remember(Duration trust) {
    store.close();
    store = new ImageStore(storage, trust);
  }

  @Test
  void whatIsRememberedIsNotLookedForUntilSomebodyMissesABlob() throws IOException {
    remember(Duration.ofHours(1));
    assertThat(store.recall(KEY)).isEmpty();
    Image image = saveImage();
    store.alias(KEY, ID);
    Digest config = config(image);
    lose(config);
    lose(image.docker().orElseThrow().digest());
    for (Digest key : List.of(KEY, ID)) {
      assertThat(store.recall(key)).contains(image);
      assertThat(store.findImage(key)).contains(image);
    }
    assertThat(store.findManifest(image.docker().orElseThrow().digest())).isEqualTo(image.docker());
    assertThat(store.deliver(digest("no blob of anything"))).isEmpty();
    assertThat(store.recall(KEY)).contains(image);

    assertThat(store.deliver(config)).isEmpty();
    for (Digest key : List.of(KEY, ID)) {
      assertThat(store.recall(key)).isEmpty();
      assertThat(store.findImage(key)).isEmpty();
    }
    assertThat(store.findManifest(image.docker().orElseThrow().digest())).isEmpty();
    assertThat(saveImage()).isEqualTo(image);
    assertThat(store.recall(KEY)).contains(image);
    assertThat(store.deliver(config)).isPresent();
  }

  /** The layers that an image reuses may have been seen long before its last one is packed. */
  @Test
  void aNewImageIsRememberedFromWhenItsLayersWereSeen() throws IOException {
    remember(Duration.ofHours(1));
    PackedLayerInfo layer = saveLayer();
    Image image = saveImage(layer, System.nanoTime() - Duration.ofHours(2).toNanos());
    assertThat(store.recall(KEY)).isEmpty();
    assertThat(store.findImage(KEY)).contains(image);
    assertThat(store.recall(KEY)).contains(image);
  }

  @Test
  void aBlobThatLostItsEndIsMissed() throws IOException {
    remember(Duration.ofHours(1));
    Image image = saveImage();
    damage(digest("the layer"), "the");
    assertThat(store.recall(KEY)).contains(image);
    assertThat(store.open(digest("the layer"), 0)).isEmpty();
    assertThat(store.recall(KEY)).isEmpty();
    saveImage();
    damage(digest("the layer"), "the");
    assertThat(store.deliver(digest("the layer"))).isEmpty();
    assertThat(store.findImage(KEY)).isEmpty();
  }

  @Test
  void whatIsInUseIsLookedForInTheBackground() throws IOException, InterruptedException {
    remember(Duration.ofMillis(200));
    Image image = saveImage();
    long end = System.nanoTime() + Duration.ofSeconds(1).toNanos();
    while (System.nanoTime() < end) {
      assertThat(store.findImage(KEY)).contains(image);
      Thread.sleep(5);
    }
    lose(config(image));
    while (store.recall(KEY).isPresent()) {
      Thread.sleep(5);
    }
    assertThat(store.findImage(KEY)).isEmpty();
  }

  @Test
  @Timeout(60)
  void manifestsOfImagesInUseAreLookedForToo() throws IOException, InterruptedException {
    remember(Duration.ofMillis(200));
    Image image = saveImage();
    for (Digest manifest : List.of(image.docker().orElseThrow().digest(), image.oci().digest())) {
      lose(manifest);
      while (store.findImage(KEY).isPresent()) {
        Thread.sleep(5);
      }
      assertThat(store.findManifest(manifest)).isEmpty();
      saveImage();
      assertThat(store.findManifest(manifest)).isPresent();
    }
  }

  @Test
  @Timeout(60)
  void theLookIsTakenAgainAfterADefect() throws IOException, InterruptedException {
    AtomicInteger defects = new AtomicInteger(2);
    store.close();
    store =
        new ImageStore(
            (Storage)
                Proxy.newProxyInstance(
                    Storage.class.getClassLoader(),
                    new Class<?>[] {Storage.class},
                    (_, method, arguments) -> {
                      if (method.getName().equals("stat")
                          && Thread.currentThread().getName().equals("image-checks")
                          && defects.getAndDecrement() > 0) {
                        throw new IllegalStateException("a defect");
                      }
                      try {
                        return method.invoke(storage, arguments);
                      } catch (InvocationTargetException e) {
                        throw e.getCause();
                      }
                    }),
            Duration.ofMillis(200));
    Image image = saveImage();
    while (defects.get() > 0) {
      assertThat(store.findImage(KEY)).contains(image);
      Thread.sleep(5);
    }
    lose(image.oci().digest());
    while (store.findImage(KEY).isPresent()) {
      Thread.sleep(5);
    }
  }

  /** Deletes an object behind the server's back. */
  private void lose(Digest object) throws IOException {
    try (Stream<Path> files = Files.walk(folder.resolve("storage"))) {
      Files.delete(files.filter(each -> each.endsWith(object.hex())).findFirst().orElseThrow());
    }
  }

  private static Digest config(Image image) {
    String manifest = new String(image.docker().orElseThrow().bytes(), StandardCharsets.UTF_8);
    int at = manifest.indexOf("sha256:", manifest.indexOf("\"config\""));
    return Digest.parse(manifest.substring(at, at + 71)).orElseThrow();
  }

  @Test
  void packagesAreFoundAgain() {
    Resolved.Found found =
        new Resolved.Found("git", "/nix/store/x.drv", List.of(new Output("out", "/nix/store/x")));
    store.savePackage(ID, found);
    assertThat(store.findPackage(ID)).contains(found);
    store.saveNoPackage(KEY);
    assertThat(store.findPackage(KEY)).contains(new Resolved.Unknown(List.of()));
    assertThat(store.findPackage(digest("other"))).isEqualTo(Optional.empty());
  }

  @Test
  void damagedRecordsAreAsGoodAsNone() throws IOException {
    saveImage();
    for (String damaged : List.of("", "null", "{}", "[]", "{\"docker\": {\"hex\": \"no\"}}")) {
      overwrite(Key.of("images", KEY.hex()), damaged);
      overwrite(Key.of("layers", LAYER.own().hex()), damaged);
      overwrite(Key.of("layers", LAYER.shared().hex()), damaged);
      overwrite(Key.of("packages", ID.hex()), damaged);
      assertThat(store.findImage(KEY)).as(damaged).isEmpty();
      assertThat(store.findLayer(LAYER)).as(damaged).isEmpty();
      assertThat(store.findPackage(ID)).as(damaged).isEmpty();
    }
  }
}

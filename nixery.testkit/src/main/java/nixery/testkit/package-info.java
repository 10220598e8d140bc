/**
 * What a plugin must do, as tests. Extend {@link nixery.testkit.StorageContractTests} or {@link
 * nixery.testkit.PackageSourceContractTests}, say how the plugin is configured, and every test of
 * the contract runs against it:
 *
 * <pre>{@code
 * class FileSystemStorageTests extends StorageContractTests {
 *
 *   @TempDir Path folder;
 *
 *   @Override
 *   protected StorageProvider provider() {
 *     return new FileSystemStorageProvider();
 *   }
 *
 *   @Override
 *   protected Map<String, String> environment() {
 *     return Map.of("STORAGE_PATH", folder.toString());
 *   }
 * }
 * }</pre>
 */
package nixery.testkit;

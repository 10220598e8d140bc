package nixery.server.build;

import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Supplier;
import nixery.image.ImageConfig;
import nixery.image.LayeringStrategy;
import nixery.image.Popularity;

/**
 * How images are built.
 *
 * @param maxBuilds how many at the same time
 * @param layerBudget how many layers an image may have, the one with the links included
 * @param layering how the closure is divided into layers
 * @param popularity of packages, which guides the layering; asked for once for each image, so that
 *     its key and its plan are of the same data
 * @param image how images are to be run, where their names say nothing else
 * @param storeRoot the folder under which {@code /nix/store} lies
 * @param spool an existing folder for layers until they are stored, on the storage's file system if
 *     it has one
 * @param leaseDuration after how long a server that no longer gives a sign of life is replaced
 * @param trust how long a blob that was seen in the storage is taken to be there
 */
public record BuildConfig(
    int maxBuilds,
    int layerBudget,
    LayeringStrategy layering,
    Supplier<Popularity> popularity,
    ImageConfig image,
    Path storeRoot,
    Path spool,
    Duration leaseDuration,
    Duration trust) {}

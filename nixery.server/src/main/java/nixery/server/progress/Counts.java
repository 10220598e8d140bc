package nixery.server.progress;

/**
 * How far a build has come. What is not known yet is 0.
 *
 * @param packages that were evaluated
 * @param built derivations that Nix has built
 * @param toBuild derivations that Nix has to build, as far as it knows
 * @param fetched store paths that Nix has fetched from a cache
 * @param toFetch store paths that Nix has to fetch, as far as it knows
 * @param layers of the image
 * @param packed layers that were packed
 * @param reused layers that were in the storage
 * @param packedBytes the compressed size of those that were packed
 */
public record Counts(
    int packages,
    long built,
    long toBuild,
    long fetched,
    long toFetch,
    int layers,
    int packed,
    int reused,
    long packedBytes) {}

/**
 * Serves {@link nixery.server.build.Images} over HTTP as the read side of the <a
 * href="https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md">OCI distribution
 * specification 1.1</a>, and as Docker's clients expect it.
 *
 * <p>{@link nixery.server.registry.RegistryServer} listens; {@code RegistryHandler} answers; {@code
 * Endpoint}, {@code RepositoryName}, {@code Reference}, {@code Acceptance} and {@code ByteRange}
 * read what clients send, and {@code ErrorResponse} says what clients are told when it fails.
 */
package nixery.server.registry;

/**
 * What every plugin has: a name, the version of this interface that it was built for, and the
 * settings that it reads.
 *
 * <p>No method here or in the packages below takes or returns null. Blocking is fine everywhere:
 * the server calls plugins on virtual threads, several at a time.
 */
package nixery.api;

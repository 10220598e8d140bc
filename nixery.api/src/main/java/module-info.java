/**
 * The interfaces that storage backends and package sources implement, and how a plugin reads its
 * settings and reports failures.
 */
module nixery.api {
  exports nixery.api;
  exports nixery.api.source;
  exports nixery.api.storage;
}

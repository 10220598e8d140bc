/** Property tests: what holds of many random values. Never part of a runtime. */
module nixery.property {
  exports nixery.property;
}

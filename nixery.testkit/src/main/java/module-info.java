/** The contract tests that every storage and package source plugin must pass. */
module nixery.testkit {
  requires transitive nixery.api;
  requires transitive org.assertj.core;
  requires transitive org.junit.jupiter.api;
}

/**
 * The contract tests that every storage and package source plugin must pass: abstract JUnit classes
 * for a plugin's own tests to extend. Never part of a runtime.
 */
module nixery.testkit {
  exports nixery.testkit;

  // JUnit calls the test methods, which are nobody else's to call.
  opens nixery.testkit to
      org.junit.platform.commons;

  requires java.net.http;
  requires transitive nixery.api;
  requires transitive org.assertj.core;
  requires transitive org.junit.jupiter.api;
}

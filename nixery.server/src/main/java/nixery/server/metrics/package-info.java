/** What the server counts and measures, for Prometheus to collect. */
package nixery.server.metrics;

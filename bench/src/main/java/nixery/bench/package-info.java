/**
 * Benchmarks of the whole and of its inner loops. {@link nixery.bench.Main} runs the parts; each
 * part hands its figures to {@link nixery.bench.Results}, which prints and keeps them.
 */
package nixery.bench;

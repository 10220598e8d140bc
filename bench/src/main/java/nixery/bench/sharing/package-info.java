/** How many bytes clients transfer under each layering strategy; run by bench/layer-sharing. */
package nixery.bench.sharing;

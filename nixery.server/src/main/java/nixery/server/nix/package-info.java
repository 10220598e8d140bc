/**
 * Drives Nix. The stages, each one method of {@link nixery.server.nix.Nix}:
 *
 * <ol>
 *   <li><b>resolve</b>: package set, platform, names -> {@link nixery.server.nix.Resolution}: per
 *       name a derivation with the outputs to install, or what is there instead. One {@code
 *       nix-instantiate --eval} of {@code resolve.nix}.
 *   <li><b>realise</b>: derivations -> outputs in the store, and {@link nixery.server.nix.GcRoots}
 *       that keep them there. One {@code nix-store --realise}.
 *   <li><b>dumpClosure</b>: outputs -> every path of their closure with hash, size and references.
 *       {@code nix-store --query --requisites}, then {@code nix-store --dump-db}.
 * </ol>
 *
 * <p>Below them, {@code Commands} knows how each program is started, {@code NixProcess} runs it
 * within bounds of time and memory and ends it with all its children, {@code NixLog} reads its
 * {@code internal-json} log, and {@code Messages} prepares what Nix says for clients.
 *
 * <p>Nix's English is never parsed: what happened is told by exit status, JSON and signals, the
 * same from Nix 2.8 to 2.34. Names reach Nix as data, not as Nix code. Between resolve and realise
 * nothing protects a derivation: where the garbage collector runs just then, realise fails, and
 * starting again with resolve helps.
 */
package nixery.server.nix;

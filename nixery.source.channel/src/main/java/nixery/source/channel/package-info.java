/**
 * The package source {@code channel}: {@link nixery.source.channel.Channels} finds out which
 * revision a channel points to, {@link nixery.source.channel.Http} downloads, {@link
 * nixery.source.channel.Tarball} unpacks what {@link nixery.source.channel.TarReader} reads.
 */
package nixery.source.channel;

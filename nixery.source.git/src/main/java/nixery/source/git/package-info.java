/** The git package source. Nothing here is for others than the server, which loads the provider. */
package nixery.source.git;

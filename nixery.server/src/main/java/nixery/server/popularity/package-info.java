/** Where the server has its popularity data from. */
package nixery.server.popularity;

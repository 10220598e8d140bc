/** What the lines of the log look like. */
package nixery.server.log;

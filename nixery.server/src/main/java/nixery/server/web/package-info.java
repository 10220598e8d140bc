/** What the server has to show beside images, over HTTP: how it is, and what it has done. */
package nixery.server.web;

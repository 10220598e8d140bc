/**
 * Pages for people: what an image holds or would hold, and builds as they go on. They are made on
 * the server and work without a script; with one, they follow builds by themselves. All that
 * clients sent, and all that builds print, is shown as text and nothing else.
 */
package nixery.server.web.pages;

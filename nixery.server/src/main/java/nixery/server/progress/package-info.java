/**
 * What can be seen of builds while they go on, and of those that ended lately: their steps, counts
 * and logs, in memory, within bounds. It is for anybody's eyes.
 */
package nixery.server.progress;

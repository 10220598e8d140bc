/** Storage in a Google Cloud Storage bucket. */
package nixery.storage.gcs;

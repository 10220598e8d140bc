/**
 * A Google Cloud Storage for tests, at the level of HTTP: the parts of its JSON interface, XML
 * interface, token server and IAM that a storage backend needs, with private objects, signatures
 * that are verified, and failures on demand. It runs in the tests or by itself ({@link
 * nixery.storage.gcs.fake.FakeGcs#main}).
 */
package nixery.storage.gcs.fake;

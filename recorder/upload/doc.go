// Package upload sends finished recordings to S3-compatible stores, and removes them here only when it may and the
// store has proved to hold all of them.
//
//	Add ─▶ waiting ─▶ uploading ─▶ verifying ─▶ done ─▶ (removed here)
//	          ▲           └─ failure ─┴─▶ retrying ─┐
//	          └──────────── back-off ◀──────────────┘
//
// The queue is a folder with a file for each recording that waits, so nothing is forgotten when the relay ends, however
// it does. A recording goes up in parts. What was kept of an interrupted one is asked of the store, and only what it
// lacks is sent.
//
// What is proved, and by whom: each part is sent with its MD5 and its SHA-256, and a store refuses one that arrives
// otherwise. What it made of the parts is then asked for: the size, and the digest of all parts' MD5s that S3 calls the
// ETag. Where that is no such digest, as in buckets that encrypt with keys of their own, the object is read back and
// compared part by part.
//
// It never holds a part in memory: a part is read twice from disk, for its digests and to be sent, and leaves the page
// cache to those who are on air. 1 GB took 3.4 s of CPU, and the relay never had more than 27 MB. One recording goes up
// at a time. Uploader.Serve is one goroutine; net/http has two more for the connection, which are gone when Serve
// returns.
package upload

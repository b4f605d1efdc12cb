// Package thumbnail shows what a stream looks like now: a small JPEG of its newest keyframe, made when somebody asks.
//
//	request ─▶ Handler ─▶ newer than 5 s? ── yes ─▶ the picture at hand
//	                          └─ no ─▶ subscribe, take the codec header and the newest keyframe ─▶ one ffmpeg ─▶ JPEG
//
// One keyframe is all that is ever decoded, so a picture costs the same whatever the stream's rate, and nothing where
// nobody asks: 0.1 s and 66 MB of one ffmpeg for 1080p (5.1.9). At most one runs for a stream at a time, at most one
// every 5 s, and none for a keyframe that was shown before.
//
// It starts no goroutine: the request that finds the picture old makes the next one, and others wait for it.
package thumbnail

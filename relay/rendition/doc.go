// Package rendition re-encodes a stream: the recipe of the child that does it, what that child will cost, and the
// planner that lets outputs with equal needs share one child and keeps the sum below a budget of processor time.
//
// A rendition reads FLV on stdin and writes FLV to stdout, to be published as a stream of its own, main@720p. Nothing
// here runs a child, reads a clock or starts a goroutine: settings go in, a job or a plan comes out.
package rendition

// Package output is the engine: for each wanted output it subscribes to the stream, starts a child by the output's
// recipe, feeds it, watches it, says why it ended and starts it again. It knows no platform and no container: what an
// output is stands in its recipe.
//
// Set.Serve starts one goroutine for each output and waits for all of them; an output's goroutine starts one watchdog
// and, where there is a gate, one carrier for each child, and waits for them before the next child.
//
// Back-pressure: a subscription is bounded (maxQueue, maxQueueLossless); a child that does not read makes its own
// subscription lose GOPs and nothing else. Failure counts and back-off belong to one output alone.
//
// Lock order: Set.mu, then runner.mu.
package output

package ingest

import (
	"maps"
	"sync"
)

// accepted is the code of an attempt that was granted.
const accepted = "accepted"

// Counts tells what became of all connections so far.
type Counts struct {
	Open     int              `json:"open"`     // connections at this moment
	Pending  int              `json:"pending"`  // of which have not been let in yet
	Attempts map[string]int64 `json:"attempts"` // by "accepted" or the code of what refused or ended them
	Ends     map[string]int64 `json:"ends"`     // of those accepted, by the code of why
}

// tally counts. Codes are those of this package, so there is an end to them.
type tally struct {
	mu       sync.Mutex
	attempts map[string]int64
	ends     map[string]int64
}

func (t *tally) attempt(code string) { t.add(&t.attempts, code) }
func (t *tally) end(code string)     { t.add(&t.ends, code) }

func (t *tally) add(to *map[string]int64, code string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if *to == nil {
		*to = map[string]int64{}
	}
	(*to)[code]++
}

func (t *tally) counts() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Counts{Attempts: maps.Clone(t.attempts), Ends: maps.Clone(t.ends)}
}

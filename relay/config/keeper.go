package config

import "slices"

// keeper holds the snapshot in use and makes the next one of what the folder says now: a destination that cannot be
// read stays as it was last good, and so does everything while the folder cannot be read. Only a file that is gone from
// a readable folder ends its destination.
type keeper struct {
	current Snapshot
	applied bool
}

// next merges what was loaded with the snapshot in use.
func (k *keeper) next(loaded Snapshot) Snapshot {
	snapshot := Snapshot{
		Destinations: slices.Clone(loaded.Destinations),
		Problems:     slices.Clone(loaded.Problems),
	}
	unreadable := loaded.hasProblem("")
	for _, d := range k.current.Destinations {
		if unreadable || loaded.hasProblem(d.Name) {
			snapshot.Destinations = append(snapshot.Destinations, d)
		}
	}
	for i, p := range snapshot.Problems {
		_, kept := snapshot.find(p.Destination)
		snapshot.Problems[i].Kept = kept || p.Destination == "" && len(snapshot.Destinations) > 0
	}
	snapshot.sort()
	return snapshot
}

// differs reports whether snapshot is not the one in use. Before the first accept each one does.
func (k *keeper) differs(snapshot Snapshot) bool {
	return !k.applied || !k.current.equal(snapshot)
}

func (k *keeper) accept(snapshot Snapshot) {
	k.current, k.applied = snapshot, true
}

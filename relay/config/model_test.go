package config_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// model is what the folder's files and the watcher's memory should amount to.
type model struct {
	app    map[string]string // of each destination in use
	broken map[string]bool   // each file that cannot be read
}

func (m *model) String() string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(m.app)) {
		words = append(words, name+"="+m.app[name]+"/k")
	}
	for _, name := range slices.Sorted(maps.Keys(m.broken)) {
		_, kept := m.app[name]
		words = append(words, fmt.Sprintf("!%s kept=%v", name, kept))
	}
	return strings.Join(words, ", ")
}

func (m *model) good(name, app string) {
	m.app[name] = app
	delete(m.broken, name)
}

func (m *model) remove(name string) {
	delete(m.app, name)
	delete(m.broken, name)
}

// edit does one thing to the file of name, in the folder and in the model.
func (m *model) edit(t *testing.T, dir, name string, kind int, app string) {
	file := filepath.Join(dir, name+".yml")
	switch kind {
	case 0:
		write(t, file, content(app, "k"))
		m.good(name, app)
	case 1:
		write(t, file, "")
		write(t, file, content(app, "k"))
		m.good(name, app)
	case 2:
		if err := os.Rename(write(t, filepath.Join(dir, "."+name), content(app, "k")), file); err != nil {
			t.Fatal(err)
		}
		m.good(name, app)
	case 3:
		write(t, file, []string{"", "url: x", "{", "nope: 1\n", "\xff"}[len(app)%5])
		m.broken[name] = true
	case 4:
		_ = os.Remove(file) // perhaps there was none
		m.remove(name)
	case 5:
		_ = os.Chtimes(file, time.Time{}, time.Now())
	}
}

// replaceDir swaps the folder for a copy of itself, as a deployment does.
func replaceDir(t *testing.T, dir string) {
	t.Helper()
	next, old := dir+".next", dir+".old"
	for _, err := range []error{os.CopyFS(next, os.DirFS(dir)), os.Rename(dir, old), os.Rename(next, dir), os.RemoveAll(old)} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestWatcherAgreesWithAModel(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	w := watch(t, dir, longRescan)
	w.await(t, "")

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	m := &model{app: map[string]string{}, broken: map[string]bool{}}
	names := []string{"a", "b", "c", "d", "e", "f"}
	for edits := 0; edits < 200; {
		// One edit a file in each batch: what a quick second one makes of the first is chance, and rightly so.
		random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		for _, name := range names[:1+random.IntN(len(names))] {
			m.edit(t, dir, name, random.IntN(6), fmt.Sprintf("app%d", random.IntN(1e6)))
			edits++
		}
		if random.IntN(4) == 0 {
			replaceDir(t, dir)
		}
		w.await(t, m.String())
	}
}

package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// churnModel edits destinations.d as people and their tools do, and knows what must come of it: one desk a name.
type churnModel struct {
	*testing.T
	dir   string // destinations.d
	drawn string // a folder beside it, where files are made that are moved in
	url   string // where all destinations push to
	rand  *rand.Rand
	made  int // names and keys so far: each is used once
	desks map[string]*desk
	words []string // what was done in this batch
}

// desk is one name, its file, and what the relay makes of that.
type desk struct {
	name    string
	file    string // path of x.yml or x.yaml
	state   fileState
	written version // in the file, while that is good
	inUse   version // by the relay: of a file that broke, what it last said
	touched bool    // in this batch; for what says the same as before the relay has no reason to touch it
}

type fileState int

const (
	missing fileState = iota
	good
	broken
)

// version is what a file says. The zero version is none.
type version struct {
	key     string
	enabled bool
}

func newChurnModel(t *testing.T, dir, url string, random *rand.Rand) *churnModel {
	m := &churnModel{T: t, dir: dir, drawn: t.TempDir(), url: url, rand: random, desks: map[string]*desk{}}
	for _, name := range strings.Fields("ann bob cat dan eve fay gus hal") {
		m.desks[name] = &desk{name: name, file: filepath.Join(dir, name+".yml")}
	}
	return m
}

// says is called when the file of d is whole and says v.
func (d *desk) says(v version) {
	d.touched = d.touched || v != d.inUse
	d.state, d.written, d.inUse = good, v, v
}

// vanishes is called when the file of d is gone.
func (d *desk) vanishes() {
	d.touched = d.touched || d.inUse != version{}
	d.state, d.written, d.inUse = missing, version{}, version{}
}

// breaks is called when the file of d is there and cannot be read: what it last said goes on.
func (d *desk) breaks() { d.state = broken }

// pushed maps the names of what must be on air to their keys.
func (m *churnModel) pushed() map[string]string {
	live := map[string]string{}
	for name, d := range m.desks {
		if d.inUse.enabled {
			live[name] = d.inUse.key
		}
	}
	return live
}

// unreadable lists the names that must be reported.
func (m *churnModel) unreadable() []string {
	var names []string
	for _, name := range m.names() {
		if m.desks[name].state == broken {
			names = append(names, name)
		}
	}
	return names
}

func (m *churnModel) names() []string { return slices.Sorted(maps.Keys(m.desks)) }

// String tells the batch and what must come of it.
func (m *churnModel) String() string {
	return fmt.Sprintf("after %s: on air %v, unreadable %v", strings.Join(m.words, ", "), m.pushed(), m.unreadable())
}

// batch begins a batch and does so many edits.
func (m *churnModel) batch(edits int) {
	m.words = nil
	for _, d := range m.desks {
		d.touched = false
	}
	for range edits {
		m.edit()
	}
}

// edit does one thing to one name.
func (m *churnModel) edit() {
	const mostLive = 6
	d := m.desks[m.names()[m.rand.IntN(len(m.desks))]]
	r := recipes()[m.rand.IntN(len(recipes()))]
	switch {
	case len(m.pushed()) >= mostLive && !d.inUse.enabled:
		r = recipe{"remove", (*churnModel).remove, false}
	case r.spoils && d.touched:
		// Whether the relay saw the good version in between is chance, and so is what it goes on with.
		r = recipe{"put", (*churnModel).put, false}
	}
	m.words = append(m.words, r.name+" "+d.name)
	r.do(m, d)
}

// next is a version with a key of its own; one in ten is off.
func (m *churnModel) next() version {
	return version{key: m.fresh("churn-"), enabled: m.rand.IntN(10) > 0}
}

func (m *churnModel) fresh(prefix string) string {
	m.made++
	return fmt.Sprintf("%s%d", prefix, m.made)
}

func (m *churnModel) content(v version) string {
	return fmt.Sprintf("url: %s\nkey: %s\nenabled: %t\n", m.url, v.key, v.enabled)
}

func (m *churnModel) check(err error) {
	m.Helper()
	if err != nil {
		m.Fatalf("%s: %v", m, err)
	}
}

// draft makes a file outside of the folder.
func (m *churnModel) draft(content string) string {
	path := filepath.Join(m.drawn, m.fresh("draft"))
	m.check(os.WriteFile(path, []byte(content), 0o600))
	return path
}

// overwrite writes into the file as it is. A FIFO would wait for a reader, and what a link leads to is elsewhere, where
// only the next look by the clock finds it: those are replaced.
func (m *churnModel) overwrite(d *desk, content string) {
	if info, err := os.Lstat(d.file); err == nil && !info.Mode().IsRegular() {
		m.check(os.Rename(m.draft(content), d.file))
		return
	}
	m.check(os.WriteFile(d.file, []byte(content), 0o600))
}

type recipe struct {
	name string
	do   func(*churnModel, *desk)
	// spoils tells that a good file may not be good any more.
	spoils bool
}

// recipes are the ways to change a folder; each is as likely as another.
func recipes() []recipe {
	return []recipe{
		{"put", (*churnModel).put, false},
		{"sed -i", (*churnModel).sed, false},
		{"vim", (*churnModel).vim, false},
		{"write", (*churnModel).write, false},
		{"write in two steps", (*churnModel).writeTwice, false},
		{"swap ..data", (*churnModel).swap, false},
		{"toggle", (*churnModel).toggle, false},
		{"rename", (*churnModel).rename, true},
		{"remove", (*churnModel).remove, false},
		{"break", (*churnModel).spoil, true},
		{"break by FIFO", (*churnModel).fifo, true},
		{"break by size", (*churnModel).bloat, true},
		{"repair", (*churnModel).repair, false},
		{"repair", (*churnModel).repair, false},
		{"same again", (*churnModel).same, false},
		{"touch", (*churnModel).touch, false},
		{"chmod", (*churnModel).chmod, false},
		{"back up", (*churnModel).backUp, false},
		{"change the ending", (*churnModel).changeEnding, false},
	}
}

// put moves a file in, whole or not at all.
func (m *churnModel) put(d *desk) { m.putVersion(d, m.next()) }

func (m *churnModel) putVersion(d *desk, v version) {
	m.check(os.Rename(m.draft(m.content(v)), d.file))
	d.says(v)
}

// sed makes its draft in the folder itself.
func (m *churnModel) sed(d *desk) {
	v, draft := m.next(), filepath.Join(m.dir, m.fresh("sed"))
	m.check(os.WriteFile(draft, []byte(m.content(v)), 0o600))
	m.check(os.Rename(draft, d.file))
	d.says(v)
}

// vim tries whether it may write, moves the file away, writes a new one and removes the old.
func (m *churnModel) vim(d *desk) {
	v, trial, backup := m.next(), filepath.Join(m.dir, "4913"), d.file+"~"
	m.check(os.WriteFile(trial, nil, 0o600))
	m.check(os.Remove(trial))
	if d.state != missing {
		m.check(os.Rename(d.file, backup))
	}
	m.check(os.WriteFile(d.file, []byte(m.content(v)), 0o600))
	m.check(os.RemoveAll(backup))
	d.says(v)
}

func (m *churnModel) write(d *desk) {
	v := m.next()
	m.overwrite(d, m.content(v))
	d.says(v)
}

// writeTwice leaves half a file for a moment.
func (m *churnModel) writeTwice(d *desk) {
	v := m.next()
	m.overwrite(d, "url: ")
	m.overwrite(d, m.content(v))
	d.says(v)
}

// swap is how Kubernetes updates a mounted folder: the file is a link through a link that is replaced.
func (m *churnModel) swap(d *desk) {
	v, folder, data := m.next(), m.fresh("..v"), "..data-"+d.name
	m.check(os.Mkdir(filepath.Join(m.dir, folder), 0o700))
	m.check(os.WriteFile(filepath.Join(m.dir, folder, d.name), []byte(m.content(v)), 0o600))
	old, _ := os.Readlink(filepath.Join(m.dir, data)) // none the first time
	m.link(folder, filepath.Join(m.dir, data))
	if target, _ := os.Readlink(d.file); target != filepath.Join(data, d.name) {
		m.link(filepath.Join(data, d.name), d.file)
	}
	if old != "" {
		m.check(os.RemoveAll(filepath.Join(m.dir, old)))
	}
	d.says(v)
}

// link puts a symlink to target in place of what is at path.
func (m *churnModel) link(target, path string) {
	draft := filepath.Join(m.drawn, m.fresh("link"))
	m.check(os.Symlink(target, draft))
	m.check(os.Rename(draft, path))
}

// toggle switches on what is off, and the other way round.
func (m *churnModel) toggle(d *desk) {
	v := d.inUse
	if v == (version{}) {
		v = m.next()
	}
	v.enabled = !v.enabled
	m.overwrite(d, m.content(v))
	d.says(v)
}

// rename gives the file to another name. What that name had is gone, unless the file cannot be read.
func (m *churnModel) rename(d *desk) {
	to := m.desks[m.names()[m.rand.IntN(len(m.desks))]]
	info, err := os.Lstat(d.file)
	if err != nil || !info.Mode().IsRegular() || to == d || to.touched {
		m.remove(d)
		return
	}
	m.words = append(m.words, "to "+to.name)
	m.check(os.Rename(d.file, to.file))
	state, v := d.state, d.written
	d.vanishes()
	if state == good {
		to.says(v)
	} else {
		to.breaks()
	}
}

func (m *churnModel) remove(d *desk) {
	if err := os.Remove(d.file); !errors.Is(err, fs.ErrNotExist) {
		m.check(err)
	}
	d.vanishes()
}

// spoil writes what nobody can make sense of.
func (m *churnModel) spoil(d *desk) {
	mistakes := []string{"", "url: [\n", m.content(d.inUse) + "nosuch: 1\n", "url: x\nkey: k\n", "\xff\xfe", "enabled: false\n"}
	m.overwrite(d, mistakes[m.rand.IntN(len(mistakes))])
	d.breaks()
}

func (m *churnModel) fifo(d *desk) {
	draft := filepath.Join(m.drawn, m.fresh("fifo"))
	m.check(syscall.Mkfifo(draft, 0o600))
	m.check(os.Rename(draft, d.file))
	d.breaks()
}

func (m *churnModel) bloat(d *desk) {
	m.overwrite(d, m.content(m.next())+string(bytes.Repeat([]byte("#\n"), 1<<19)))
	d.breaks()
}

// repair writes what the file last said, so nobody who watches the destination may notice.
func (m *churnModel) repair(d *desk) {
	if d.inUse == (version{}) {
		m.put(d)
		return
	}
	m.putVersion(d, d.inUse)
}

// same writes the same bytes over themselves.
func (m *churnModel) same(d *desk) {
	if d.state == good {
		m.overwrite(d, m.content(d.written))
	}
}

func (m *churnModel) touch(d *desk) {
	if d.state != missing {
		m.check(os.Chtimes(d.file, time.Time{}, time.Now()))
	}
}

// chmod adds or takes away that everybody may read the file, which earns a note.
func (m *churnModel) chmod(d *desk) {
	if d.state != missing {
		m.check(os.Chmod(d.file, []fs.FileMode{0o600, 0o644}[m.rand.IntN(2)]))
	}
}

// backUp leaves what editors leave.
func (m *churnModel) backUp(d *desk) {
	for _, path := range []string{d.file + "~", filepath.Join(m.dir, "."+d.name+".yml.swp"), filepath.Join(m.dir, ".#"+d.name+".yml")} {
		m.check(os.WriteFile(path, []byte(m.content(m.next())), 0o600))
		if m.rand.IntN(2) == 0 {
			m.check(os.Remove(path))
		}
	}
}

// changeEnding keeps the name: x.yml and x.yaml are the same destination.
func (m *churnModel) changeEnding(d *desk) {
	other := filepath.Join(m.dir, d.name+".yaml")
	if other == d.file {
		other = filepath.Join(m.dir, d.name+".yml")
	}
	if d.state != missing {
		m.check(os.Rename(d.file, other))
	}
	d.file = other
}

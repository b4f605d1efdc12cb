package relaytest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Proc is a process as /proc shows it.
type Proc struct {
	Pid     int
	Parent  int
	State   string   // R, S, T (stopped), Z (zombie) and the rest of proc(5)
	Args    []string // empty for a zombie
	Environ []string // as it was at its start; empty for a zombie
	Dir     string   // working folder; empty for a zombie
}

func (p Proc) String() string {
	return fmt.Sprintf("%d %s %s", p.Pid, p.State, strings.Join(p.Args, " "))
}

// Children returns the descendants of a process, zombies included, parents before their children.
func Children(pid int) []Proc {
	all := processes()
	family := []int{pid}
	var children []Proc
	for i := 0; i < len(family); i++ {
		for _, p := range all {
			if p.Parent == family[i] {
				family = append(family, p.Pid)
				children = append(children, p)
			}
		}
	}
	return children
}

// processes leaves out what ended while it looked.
func processes() []Proc {
	paths, _ := filepath.Glob("/proc/[0-9]*/stat")
	var all []Proc
	for _, path := range paths {
		if p, ok := readProc(filepath.Dir(path)); ok {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b Proc) int { return a.Pid - b.Pid })
	return all
}

func readProc(dir string) (Proc, bool) {
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return Proc{}, false
	}
	// The name in parentheses may itself hold spaces and parentheses: what counts starts behind the last one.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 2 {
		return Proc{}, false
	}
	p := Proc{State: fields[0]}
	p.Pid, _ = strconv.Atoi(filepath.Base(dir))
	p.Parent, _ = strconv.Atoi(fields[1])
	p.Args = readList(filepath.Join(dir, "cmdline"))
	p.Environ = readList(filepath.Join(dir, "environ"))
	p.Dir, _ = os.Readlink(filepath.Join(dir, "cwd"))
	return p, true
}

func readList(path string) []string {
	data, err := os.ReadFile(path)
	if err != nil || len(data) == 0 {
		return nil
	}
	return strings.Split(strings.TrimRight(string(data), "\x00"), "\x00")
}

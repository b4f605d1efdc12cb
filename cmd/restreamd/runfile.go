package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// runFile tells other commands where the running relay is. It stands in data/state/run.json while the relay accepts.
type runFile struct {
	Pid   int    `json:"pid"`
	RTMP  string `json:"rtmp"` // host:port it listens on
	RTMPS string `json:"rtmps,omitempty"`
	HTTP  string `json:"http"`
}

func runPath(data string) string { return filepath.Join(stateDir(data), "run.json") }

func writeRunFile(data string, p ports) error {
	r := runFile{Pid: os.Getpid(), RTMP: p.rtmp.Addr().String(), HTTP: p.http.Addr().String()}
	if p.rtmps != nil {
		r.RTMPS = p.rtmps.Addr().String()
	}
	return writeState(runPath(data), r)
}

func readRunFile(data string) (r runFile, err error) {
	text, err := os.ReadFile(runPath(data))
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		return r, fmt.Errorf("no relay is running on %s: start it with make run or restreamd serve", data)
	}
	return r, nil
}

func lockPath(data string) string { return filepath.Join(stateDir(data), "lock") }

// lock makes sure that no other relay uses a data folder: each would take the other's children for leftovers. The lock
// goes with the process.
func lock(data string) (*os.File, error) {
	f, err := os.OpenFile(lockPath(data), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock data folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("another restreamd uses %s: stop it, or give this one its own --data", data)
		}
		return nil, fmt.Errorf("lock data folder: %w", err)
	}
	return f, nil
}

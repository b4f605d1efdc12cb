package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/restreamd/restreamd/recorder"
	"github.com/restreamd/restreamd/relay/ffmpeg"
)

func recoverFlags() []cli.Flag {
	return []cli.Flag{&cli.StringFlag{Name: "ffmpeg", Value: "ffmpeg", Usage: "the program that makes the files"}}
}

// recoverFolder makes ordinary files of recordings that a relay left which is gone. It needs no configuration: the folder
// may be a copy from another machine.
func recoverFolder(c *cli.Context) error {
	if c.Args().Len() != 1 {
		return usageError{errors.New("recover takes one folder: restreamd recover data/recordings")}
	}
	dir, err := filepath.Abs(c.Args().First())
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return usageError{fmt.Errorf("find folder: %w", err)}
	}
	locks, err := lockAround(dir)
	defer func() {
		for _, l := range locks {
			_ = l.Close()
		}
	}()
	if err != nil {
		return err
	}

	table := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(table, "FILE\tFOUND\tMADE\tLOST\n")
	files, failed := 0, 0
	run, read := inBackground(c.String("ffmpeg"), ffmpeg.Env())
	err = recorder.Recovery{Run: run, Read: read, Found: func(l recorder.Leftover) {
		files++
		if l.Err != nil {
			failed++
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", below(dir, l.File), l.What, fate(dir, l), lost(l.Lost))
	}}.Serve(c.Context, dir)
	_ = table.Flush()
	switch {
	case err != nil:
		return fmt.Errorf("recover: %w", err)
	case failed > 0:
		return fmt.Errorf("recover: %d of %d files could not be repaired; they are as they were", failed, files)
	case files == 0:
		_, _ = fmt.Fprintln(c.App.Writer, "no recordings of restreamd in", dir)
	}
	return nil
}

// fate is what became of a file.
func fate(dir string, l recorder.Leftover) string {
	switch {
	case l.Err != nil:
		return "failed: " + l.Err.Error()
	case l.Made == "":
		return "-"
	}
	made := below(dir, l.Made)
	if about, err := recorder.ReadSidecar(l.Made); err == nil {
		made = fmt.Sprintf("%s, %.1f s", made, about.Duration)
	}
	return made
}

func lost(bytes int64) string {
	if bytes == 0 {
		return "-"
	}
	return fmt.Sprintf("%d bytes", bytes)
}

func below(dir, file string) string {
	name, err := filepath.Rel(dir, file)
	if err != nil {
		return file
	}
	return name
}

// lockAround takes the lock of every relay whose data folder a folder is in, is, or has below it, and keeps it from being
// started meanwhile. A relay that runs has it.
func lockAround(dir string) (locks []*os.File, err error) {
	var names []string
	for at := dir; ; at = filepath.Dir(at) {
		names = append(names, lockPath(at))
		if at == filepath.Dir(at) {
			break
		}
	}
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && name != dir {
			names = append(names, lockPath(name))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for relays: %w", err)
	}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			continue // no relay's data folder
		}
		locks = append(locks, f)
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			data := filepath.Dir(filepath.Dir(name))
			return locks, fmt.Errorf("a relay is running on %s: it finishes its recordings itself; stop it, or recover a copy (%w)", data, err)
		}
	}
	return locks, nil
}

package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"unicode/utf8"

	"github.com/restreamd/restreamd/relay/secret"
)

// maxFile is more than any sensible file and little enough to hold in memory.
const maxFile = 1 << 20

var (
	errNotRegular = errors.New("not a regular file")
	errTooLarge   = errors.New("larger than 1 MiB")
	errNotUTF8    = errors.New("not UTF-8 text")
)

// readText reads a regular file of UTF-8 text, following symlinks.
func readText(path string) ([]byte, error) {
	data, err := readFile(path)
	return textOnly(path, data, err)
}

// textOnly refuses what was read of the file at path and is not UTF-8.
func textOnly(path string, data []byte, err error) ([]byte, error) {
	if err == nil && !utf8.Valid(data) {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errNotUTF8}
	}
	return data, err
}

// readFile reads a regular file, following symlinks.
func readFile(path string) ([]byte, error) {
	// Looked at twice: opening a device can do something, and the path may be a FIFO by the time it is opened. Opening
	// and reading one would wait for a writer.
	info, err := os.Stat(path)
	if err := checkRegular(path, info, err); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err = file.Stat()
	if err := checkRegular(path, info, err); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxFile:
		return nil, &fs.PathError{Op: "read", Path: path, Err: errTooLarge}
	}
	return data, nil
}

func checkRegular(path string, info os.FileInfo, err error) error {
	if err == nil && !info.Mode().IsRegular() {
		return &fs.PathError{Op: "read", Path: path, Err: errNotRegular}
	}
	return err
}

// exposedNote warns of a file with a secret that everybody on the machine can read; "" when there is no need.
func exposedNote(path string) string {
	info, err := os.Stat(path)
	if err != nil || info.Mode()&0o004 == 0 {
		return ""
	}
	path = visible(path)
	return path + " can be read by everybody: chmod 600 " + path
}

// writeNewSecret writes a file that must not be there yet, in a folder that may. undo removes what was made.
func writeNewSecret(file string, value secret.String) (undo func(), err error) {
	folder := filepath.Dir(file)
	removeFolder := func() {}
	switch err := os.Mkdir(folder, 0o700); {
	case err == nil:
		removeFolder = func() { _ = os.Remove(folder) }
	case !errors.Is(err, fs.ErrExist):
		return nil, err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		removeFolder()
		if errors.Is(err, fs.ErrExist) {
			err = fmt.Errorf("%w (choose another name, or remove the file)", err)
		}
		return nil, err
	}
	undo = func() {
		_ = os.Remove(file)
		removeFolder()
	}
	_, err = f.WriteString(value.Reveal() + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		undo()
		return nil, err
	}
	return undo, nil
}

// replaceFile puts data in the place of the file at path, all of it or nothing, and keeps links to it, mode and owner.
func replaceFile(path string, data []byte) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".restreamd-*.tmp")
	if err != nil {
		return err
	}
	_, err = temp.Write(data)
	if err = errors.Join(err, dressLike(temp, path), temp.Sync(), temp.Close()); err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}

// dressLike gives f the mode and, where it may, the owner of the file at path, if there is one.
func dressLike(f *os.File, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return f.Chmod(0o644)
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok {
		_ = f.Chown(int(owner.Uid), int(owner.Gid))
	}
	return f.Chmod(info.Mode().Perm())
}

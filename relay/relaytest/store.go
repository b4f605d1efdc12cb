package relaytest

import (
	"crypto/rand"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// storeDeadline is how long the store may take to listen.
const storeDeadline = 20 * time.Second

// Store is a real S3 server, versitygw, which keeps objects as files, behind a way that misbehaves on request: see
// [StoreWay].
type Store struct {
	*StoreWay
	Bucket               string // there already
	AccessKey, SecretKey string

	dir string // a folder for each bucket
}

// StoreFlags are further flags of versitygw's posix command, for example "--data-integrity-etag": what it calls objects
// is then no MD5, as with stores that encrypt.
type StoreFlags []string

// NewStore starts a store with one bucket, shows. It skips the test where versitygw is not installed.
func NewStore(t testing.TB, flags ...StoreFlags) *Store {
	t.Helper()
	program, err := storeProgram()
	if err != nil {
		t.Skip("versitygw is not installed: scripts/install-test-deps.sh")
	}
	dir := t.TempDir()
	s := &Store{
		Bucket: "shows", AccessKey: "AK" + rand.Text(), SecretKey: "SK" + rand.Text(),
		dir: filepath.Join(dir, "buckets"),
	}
	for _, folder := range []string{filepath.Join(s.dir, s.Bucket), filepath.Join(dir, "about")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	// The name of a socket has 108 bytes at most, and the names of tests are long.
	socket, err := os.MkdirTemp("", "s3-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(socket) })
	socket = filepath.Join(socket, "s")
	args := []string{"--quiet", "--port", socket, "posix", "--sidecar", filepath.Join(dir, "about")}
	cmd := exec.Command(program, append(append(args, slices.Concat(flags...)...), s.dir)...)
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY_ID="+s.AccessKey, "ROOT_SECRET_ACCESS_KEY="+s.SecretKey)
	child, err := startChild(cmd)
	if err != nil {
		t.Fatalf("start store: %v", err)
	}
	t.Cleanup(func() {
		child.signal(syscall.SIGKILL)
		child.wait()
		if t.Failed() {
			t.Logf("the store said:\n%s", child.log)
		}
	})
	Eventually(t, storeDeadline, "the store to listen", func() bool {
		_, err := os.Stat(socket)
		return err == nil || child.waitFor(0)
	})
	s.StoreWay = newStoreWay(t, socket)
	return s
}

// storeProgram is in .bin of the checkout, where scripts/install-test-deps.sh puts it, or in the PATH.
func storeProgram() (string, error) {
	for dir, err := os.Getwd(); err == nil && dir != "/"; dir = filepath.Dir(dir) {
		name := filepath.Join(dir, ".bin", "versitygw")
		if _, err := os.Stat(name); err == nil {
			return name, nil
		}
	}
	return exec.LookPath("versitygw")
}

// Config is the section upload of a stream's record, with its keys in files of the relay's folder that Files writes.
// more is further YAML, for example "delete_after: true, part_size: 6MB".
func (s *Store) Config(more string) string {
	if more != "" {
		more = ", " + more
	}
	return fmt.Sprintf("upload: {endpoint: %q, bucket: %s, access_key_file: keys/s3-access, secret_key_file: keys/s3-secret%s}",
		s.Endpoint, s.Bucket, more)
}

// Files writes the keys that Config names.
func (s *Store) Files() RelayOption {
	return func(spec *relaySpec) {
		File("keys/s3-access", s.AccessKey)(spec)
		File("keys/s3-secret", s.SecretKey)(spec)
	}
}

// Object is the file in which the store keeps an object.
func (s *Store) Object(name string) string { return filepath.Join(s.dir, s.Bucket, name) }

// Objects lists the names of all objects.
func (s *Store) Objects() (all []string) {
	s.walk(func(name string) { all = append(all, name) }, func(string) {})
	return all
}

// Parts lists the parts of uploads that were neither completed nor aborted, by the store's own names.
func (s *Store) Parts() (all []string) {
	s.walk(func(string) {}, func(name string) { all = append(all, name) })
	return all
}

// RemoveBucket removes the bucket and all in it; MakeBucket makes it again.
func (s *Store) RemoveBucket() error { return os.RemoveAll(filepath.Join(s.dir, s.Bucket)) }

// MakeBucket makes the bucket that RemoveBucket removed.
func (s *Store) MakeBucket() error { return os.Mkdir(filepath.Join(s.dir, s.Bucket), 0o700) }

func (s *Store) walk(object, part func(name string)) {
	bucket := filepath.Join(s.dir, s.Bucket)
	_ = filepath.WalkDir(bucket, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil // files come and go
		}
		name, err := filepath.Rel(bucket, path)
		if err != nil {
			return err
		}
		if strings.HasPrefix(name, ".sgwtmp") {
			part(name)
		} else {
			object(name)
		}
		return nil
	})
}

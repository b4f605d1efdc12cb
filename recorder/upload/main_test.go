package upload_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/restreamd/restreamd/recorder/upload"
	rt "github.com/restreamd/restreamd/relay/relaytest"
	"github.com/restreamd/restreamd/relay/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	patient = 60 * time.Second // race detector, two busy cores, and the first waits between tries
	part    = 5 << 20          // the least that S3 takes
	name    = "main/2026-11-22T18-00-00Z.mp4"
	head    = 64 << 10 // what requests weigh besides their content, all together
)

// bench is an Uploader with a store and a folder of recordings.
type bench struct {
	*upload.Uploader
	target upload.Target

	onSee func(upload.Status) // before the next try

	mu       sync.Mutex
	seen     []upload.Status
	troubles []error
}

func newBench(t *testing.T, s *rt.Store) *bench {
	t.Helper()
	dir := t.TempDir()
	b := &bench{}
	if s != nil {
		b.target = upload.Target{
			Endpoint: s.Endpoint, Bucket: s.Bucket, Prefix: "main/", Region: "us-east-1",
			AccessKey: secret.New(s.AccessKey), SecretKey: secret.New(s.SecretKey), PartSize: part,
		}
	}
	b.Uploader = &upload.Uploader{Dir: filepath.Join(dir, "recordings"), Queue: filepath.Join(dir, "state", "uploads"), Target: b.where}
	b.See, b.Trouble = b.see, b.trouble
	return b
}

// again is another Uploader on the same folders, as after a restart.
func (b *bench) again() *bench {
	next := &bench{target: b.target}
	next.Uploader = &upload.Uploader{Dir: b.Dir, Queue: b.Queue, Stall: b.Stall, Target: next.where, See: next.see, Trouble: next.trouble}
	return next
}

func (b *bench) where(string) (upload.Target, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.target, b.target.Endpoint != ""
}

func (b *bench) change(change func(*upload.Target)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.target)
}

func (b *bench) see(s upload.Status) {
	if b.onSee != nil {
		b.onSee(s)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = append(b.seen, s)
}

func (b *bench) trouble(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.troubles = append(b.troubles, err)
}

// record makes a finished recording of so many bytes and queues it.
func (b *bench) record(t *testing.T, size int) (path string, content []byte) {
	t.Helper()
	content = make([]byte, size)
	random := rand.NewChaCha8([32]byte{byte(size)})
	_, _ = random.Read(content)
	path = write(t, content, b.Dir, name)
	if err := b.Add("main", path); err != nil {
		t.Fatal(err)
	}
	return path, content
}

// serve runs the Uploader until the returned function is called.
func (b *bench) serve(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	gone := make(chan error, 1)
	go func() { gone <- b.Serve(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-gone; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// await waits until something was seen, and returns it.
func (b *bench) await(t *testing.T, what string, is func(upload.Status) bool) upload.Status {
	t.Helper()
	var found upload.Status
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seen: %+v", b.seen)
		}
	})
	rt.Eventually(t, patient, what, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		at := slices.IndexFunc(b.seen, is)
		if at >= 0 {
			found = b.seen[at]
		}
		return at >= 0
	})
	return found
}

func (b *bench) awaitDone(t *testing.T) upload.Status {
	t.Helper()
	return b.await(t, "the upload", func(s upload.Status) bool { return s.State == upload.Done })
}

func (b *bench) awaitClass(t *testing.T, c upload.Class) upload.Status {
	t.Helper()
	return b.await(t, "a failure of class "+string(c), func(s upload.Status) bool { return s.State == upload.Retrying && s.Class == c })
}

// first returns the recording in the queue.
func (b *bench) first(t *testing.T) upload.Status {
	t.Helper()
	all, _, _ := b.Snapshot()
	if len(all) == 0 {
		t.Fatal("nothing is in the queue")
	}
	return all[0]
}

func (b *bench) awaitSent(t *testing.T, bytes int64) {
	t.Helper()
	rt.Eventually(t, patient, fmt.Sprintf("%d bytes to be sent", bytes), func() bool {
		all, _, _ := b.Snapshot()
		return len(all) > 0 && all[0].Sent >= bytes
	})
}

// stored checks an object's bytes, that nothing is left of its upload, and that the queue is empty.
func (b *bench) stored(t *testing.T, s *rt.Store, object string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(s.Object(object))
	if err != nil {
		t.Fatal(err)
	}
	if a, b := sha256.Sum256(got), sha256.Sum256(want); a != b {
		t.Errorf("%s: %d bytes with sha256 %x, want %d with %x", object, len(got), a, len(want), b)
	}
	if parts := s.Parts(); len(parts) > 0 {
		t.Errorf("parts are left: %v", parts)
	}
	if left := names(t, b.Queue); len(left) > 0 {
		t.Errorf("the queue holds %v", left)
	}
}

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, f := range files {
		all = append(all, f.Name())
	}
	return all
}

func write(t *testing.T, content []byte, path ...string) string {
	t.Helper()
	file := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func same(t *testing.T, path string, want []byte) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes, %v; want the %d of before", path, len(got), err, len(want))
	}
}

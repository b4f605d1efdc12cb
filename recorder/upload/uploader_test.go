package upload_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/recorder/upload"
	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// A recording and what stands beside it are in the store as they are here, and stay here.
func TestUpload(t *testing.T) {
	t.Parallel()
	s := rt.NewStore(t)
	b := newBench(t, s)
	path, content := b.record(t, 3*part+4711)
	beside := []byte(`{"stream":"main"}`)
	write(t, beside, path+".json")
	b.serve(t)
	done := b.awaitDone(t)
	if done.Class != "" || done.Reason != "" || done.Sent != int64(len(content)) || done.Tries != 0 || done.Target != s.Endpoint+"/shows/"+name {
		t.Errorf("%+v", done)
	}
	b.stored(t, s, name, content)
	b.stored(t, s, name+".json", beside)
	same(t, path, content)
	_, states, totals := b.Snapshot()
	if totals.Done != 1 || totals.Failures != 0 || totals.Sent != int64(len(content)) || len(states) != 0 {
		t.Errorf("%+v %v", totals, states)
	}
}

// Told to stop in the middle, or killed, the next one sends what is missing. The part that was on its way is sent again.
func TestResume(t *testing.T) {
	t.Parallel()
	s := rt.NewStore(t)
	b := newBench(t, s)
	b.change(func(to *upload.Target) { to.Rate = 40_000_000 })
	path, content := b.record(t, 4*part+1)
	stop := b.serve(t)
	b.awaitSent(t, 2*part+part/2)
	stop()
	if got := names(t, b.Queue); len(got) != 1 {
		t.Fatalf("the queue holds %v", got)
	}
	before := s.Received()

	b = b.again()
	b.change(func(to *upload.Target) { to.Rate = 0 })
	b.serve(t)
	b.awaitDone(t)
	b.stored(t, s, name, content)
	same(t, path, content)
	if sent := s.Received() - before; sent > 2*part+1+head {
		t.Errorf("%d bytes were sent after the restart, of %d that were missing at most", sent, 2*part+1)
	}
}

// What is known of a part may be lost with a power cut. The store is asked, and what it has is compared.
func TestResumeWithoutMemoryOfTheParts(t *testing.T) {
	t.Parallel()
	s := rt.NewStore(t)
	b := newBench(t, s)
	b.change(func(to *upload.Target) { to.Rate = 40_000_000 })
	_, content := b.record(t, 3*part)
	var begun []byte
	file := filepath.Join(b.Queue, "main%2F2026-11-22T18-00-00Z.mp4.json")
	stop := b.serve(t)
	rt.Eventually(t, patient, "the upload to begin", func() bool {
		begun, _ = os.ReadFile(file)
		return strings.Contains(string(begun), `"id":`)
	})
	b.awaitSent(t, 2*part+part/2)
	stop()
	before := s.Received()
	write(t, begun, file)

	b = b.again()
	b.serve(t)
	b.awaitDone(t)
	b.stored(t, s, name, content)
	if sent := s.Received() - before; sent > part+head {
		t.Errorf("%d bytes were sent again", sent)
	}
}

// What is uploaded is removed here if that is wished, and what stands beside it.
func TestDeleteAfter(t *testing.T) {
	t.Parallel()
	s := rt.NewStore(t)
	b := newBench(t, s)
	b.change(func(to *upload.Target) { to.DeleteAfter = true })
	path, content := b.record(t, part+1)
	beside := []byte(`{}`)
	write(t, beside, path+".json")
	write(t, []byte("kept"), filepath.Dir(path), "2026-11-22T18-00-00Z.md")
	s.LoseCompletion() // nothing is removed on the strength of an upload of which nobody said that it is complete
	b.serve(t)
	b.awaitClass(t, upload.Lost)
	if !exists(path) {
		t.Fatal("removed before it was verified")
	}
	if done := b.awaitDone(t); done.Reason != "" {
		t.Errorf("%+v", done)
	}
	b.stored(t, s, name, content)
	b.stored(t, s, name+".json", beside)
	if got := names(t, filepath.Dir(path)); !slices.Equal(got, []string{"2026-11-22T18-00-00Z.md"}) {
		t.Errorf("left: %v", got)
	}
	if _, _, totals := b.Snapshot(); totals.Sent != int64(len(content)) {
		t.Errorf("%d bytes were sent, of %d", totals.Sent, len(content))
	}
}

// A recording that somebody wrote to after it was finished is uploaded as it is, and never removed.
func TestAlteredIsNotRemoved(t *testing.T) {
	t.Parallel()
	s := rt.NewStore(t)
	b := newBench(t, s)
	b.change(func(to *upload.Target) { to.DeleteAfter = true })
	path, content := b.record(t, part)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	content[part/2] ^= 1
	write(t, content, path)
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil { // as if nothing had happened
		t.Fatal(err)
	}
	b.serve(t)
	if done := b.awaitDone(t); done.Class != upload.File || !strings.Contains(done.Reason, "kept here") {
		t.Errorf("%+v", done)
	}
	b.stored(t, s, name, content)
	same(t, path, content)
}

// One that changes while it is on its way is uploaded again, as it is then.
func TestAlteredOnItsWay(t *testing.T) {
	t.Parallel()
	s := rt.NewStore(t)
	b := newBench(t, s)
	b.change(func(to *upload.Target) { to.DeleteAfter, to.Rate = true, 20_000_000 })
	path, content := b.record(t, 2*part)
	b.serve(t)
	b.awaitSent(t, part+part/2)
	content[0] ^= 1                                 // of a part that is there already
	f, err := os.OpenFile(path, os.O_WRONLY, 0o600) // in place: one that is short for a moment is tried for long
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(content[:1], 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	b.change(func(to *upload.Target) { to.Rate = 0 })
	b.awaitClass(t, upload.File)
	b.awaitDone(t)
	b.stored(t, s, name, content)
	same(t, path, content)
}

// A recording that is removed here meanwhile leaves the queue, and nothing of it stays in the store.
func TestRemovedMeanwhile(t *testing.T) {
	t.Parallel()
	s := rt.NewStore(t)
	b := newBench(t, s)
	b.change(func(to *upload.Target) { to.Rate = 40_000_000 })
	path, _ := b.record(t, 3*part)
	stop := b.serve(t)
	b.awaitSent(t, part+part/2)
	stop()
	if len(s.Parts()) == 0 {
		t.Fatal("no parts to clean up")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	b = b.again()
	b.serve(t)
	b.await(t, "it to be given up", func(s upload.Status) bool {
		return s.State == upload.Off && strings.Contains(s.Reason, "removed")
	})
	if parts, left := s.Parts(), names(t, b.Queue); len(parts)+len(left) > 0 || len(s.Objects()) > 0 {
		t.Errorf("left: parts %v, queue %v, objects %v", parts, left, s.Objects())
	}
}

// What the store calls an object tells nothing where buckets encrypt with keys of their own. It is read back then.
func TestReadBack(t *testing.T) {
	t.Parallel()
	s := rt.NewStore(t, rt.StoreFlags{"--data-integrity-etag"})
	b := newBench(t, s)
	b.change(func(to *upload.Target) { to.DeleteAfter = true })
	path, content := b.record(t, 2*part+5)
	b.serve(t)
	if done := b.awaitDone(t); done.Reason != "" {
		t.Errorf("%+v", done)
	}
	b.stored(t, s, name, content)
	if exists(path) {
		t.Error("it is still here")
	}
}

// A store that has other bytes than it was sent gets them again, and nothing is removed before.
func TestCorruptObject(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		flags  rt.StoreFlags
		tamper func(object []byte) []byte
	}{
		"cut off":       {nil, func(object []byte) []byte { return object[:part] }},
		"a changed bit": {rt.StoreFlags{"--data-integrity-etag"}, func(object []byte) []byte { object[part] ^= 1; return object }},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := rt.NewStore(t, c.flags)
			s.LoseCompletion()
			b := newBench(t, s)
			b.change(func(to *upload.Target) { to.DeleteAfter = true })
			path, content := b.record(t, 2*part)
			b.onSee = func(seen upload.Status) {
				if seen.Class == upload.Lost {
					object, err := os.ReadFile(s.Object(name))
					if err != nil {
						t.Error(err)
						return
					}
					write(t, c.tamper(object), s.Object(name))
				}
			}
			b.serve(t)
			b.awaitDone(t)
			b.stored(t, s, name, content)
			if _, _, totals := b.Snapshot(); totals.Sent != 2*int64(len(content)) {
				t.Errorf("%d bytes were sent, want all %d twice", totals.Sent, len(content))
			}
			if exists(path) {
				t.Error("it is still here")
			}
		})
	}
}

// A relay that dies before it wrote down what it began leaves an upload that nobody goes on with. It is ended.
func TestForgottenUploadIsEnded(t *testing.T) {
	t.Parallel()
	s := rt.NewStore(t)
	b := newBench(t, s)
	b.change(func(to *upload.Target) { to.Rate = 40_000_000 })
	_, content := b.record(t, 2*part)
	file := filepath.Join(b.Queue, "main%2F2026-11-22T18-00-00Z.mp4.json")
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	stop := b.serve(t)
	b.awaitSent(t, part+part/2)
	stop()
	if len(s.Parts()) == 0 {
		t.Fatal("nothing to forget")
	}
	write(t, before, file)
	b = b.again()
	b.serve(t)
	b.awaitDone(t)
	b.stored(t, s, name, content)
}

// Without a store a recording waits until there is one.
func TestNoStoreConfigured(t *testing.T) {
	t.Parallel()
	s := rt.NewStore(t)
	b := newBench(t, s)
	to := b.target
	b.change(func(t *upload.Target) { *t = upload.Target{} })
	_, content := b.record(t, 5)
	b.serve(t)
	rt.Eventually(t, patient, "it to be off", func() bool { return b.first(t).State == upload.Off })
	b.change(func(t *upload.Target) { *t = to })
	b.Retry()
	b.awaitDone(t)
	b.stored(t, s, name, content)
}

// A file of the queue that cannot be read is told of, and does not keep the others.
func TestQueueWithTornFiles(t *testing.T) {
	t.Parallel()
	s := rt.NewStore(t)
	b := newBench(t, s)
	_, content := b.record(t, 5)
	write(t, []byte(`{"stream":"main","fi`), b.Queue, "torn.json")
	write(t, []byte(`{"stream":"main","file":"../../etc/passwd"}`), b.Queue, "elsewhere.json")
	write(t, []byte(`{`), b.Queue, "half.json.tmp")
	b = b.again()
	b.serve(t)
	b.awaitDone(t)
	same(t, s.Object(name), content)
	if got := names(t, b.Queue); !slices.Equal(got, []string{"elsewhere.json", "torn.json"}) {
		t.Errorf("the queue holds %v", got)
	}
	if len(b.troubles) != 1 || !strings.Contains(b.troubles[0].Error(), "torn.json") || !strings.Contains(b.troubles[0].Error(), "elsewhere.json") {
		t.Errorf("told: %v", b.troubles)
	}
}

// A rate is kept across parts.
func TestRate(t *testing.T) {
	t.Parallel()
	s := rt.NewStore(t)
	b := newBench(t, s)
	b.change(func(to *upload.Target) { to.Rate = 32_000_000 }) // 4 MB/s
	_, content := b.record(t, part+part/2)
	begun := time.Now()
	b.serve(t)
	b.awaitDone(t)
	if took := time.Since(begun); took < 1900*time.Millisecond { // 7.9 MB take 1.97 s
		t.Errorf("%d bytes took %v", len(content), took)
	}
	b.stored(t, s, name, content)
}

package main_test

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/restreamd/restreamd/relay/httpapi"
	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// A relay that is killed while a recording is on its way to the store sends what is missing after its next start, and
// removes the recording here once the store proved to have it.
func TestUploadOutlivesTheRelay(t *testing.T) {
	t.Parallel()
	const part = 6_000_000
	s := rt.NewStore(t)
	s.StallAfter(part + part/2) // in the middle of the second of three parts or more
	opts := []rt.RelayOption{
		rt.StreamConfig("hls: {enabled: false}\nrecord:\n  " + s.Config("delete_after: true, part_size: 6MB")), s.Files(),
	}
	r := rt.StartRelay(t, opts...)
	// Noise, because anything else is too small at any bitrate.
	pub := rt.PublishWith(t, "ffmpeg", "-hide_banner", "-nostdin", "-nostats", "-re", "-t", "5",
		"-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30,noise=alls=100:allf=t+u", "-c:v", "libx264", "-preset", "ultrafast",
		"-pix_fmt", "yuv420p", "-b:v", "32M", "-maxrate", "32M", "-bufsize", "16M", "-g", "30", "-f", "flv", r.PublishURL())
	if pub.Wait() != 0 {
		t.Fatalf("the encoder failed: %s", pub.Log())
	}
	rt.Eventually(t, patient, "half of the second part to be sent", func() bool { return s.Received() > part+part/2 })
	file := uploadsOf(t, r)[0].File
	recording := filepath.Join(r.Data, "recordings", file)
	size, sum := fingerprint(t, recording)
	if size < 2*part+part/2 {
		t.Fatalf("a recording of %d bytes is too small for this test", size)
	}
	r.Kill()
	s.Refuse() // what the dead relay's socket still holds does not count
	s.Resume()
	s.Accept(t)
	before := s.Received()

	opts = append(opts, rt.InDir(r.Dir))
	r = rt.StartRelay(t, opts...)
	awaitUploaded(t, r, file)
	sent := s.Received() - before
	t.Logf("%d bytes in all, %d sent after the kill", size, sent)
	if sent > size-part+64<<10 {
		t.Errorf("%d bytes were sent after the kill, %d were missing", sent, size-part)
	}
	if gotSize, got := fingerprint(t, s.Object(file)); got != sum || gotSize != size {
		t.Errorf("the object has %d bytes, sha256 %x; the recording had %d, %x", gotSize, got, size, sum)
	}
	if _, err := os.Stat(recording); !os.IsNotExist(err) {
		t.Errorf("the recording is still here: %v", err)
	}
	if left, _ := filepath.Glob(strings.TrimSuffix(recording, ".mp4") + ".*"); len(left) == 0 {
		t.Error("what happened in the session is gone as well")
	}
	if left, _ := os.ReadDir(filepath.Join(r.Data, "state", "uploads")); len(left)+len(s.Parts()) > 0 {
		t.Errorf("left: queue %v, parts %v", left, s.Parts())
	}
}

// A store that cannot be used is told of in words wherever people look, and nothing is lost. Its keys are put right
// while the relay runs. They are nowhere to be seen.
func TestUploadWithWrongKeys(t *testing.T) {
	t.Parallel()
	s := rt.NewStore(t)
	const wrong = "wrong-canary/s3cret+4711"
	r := rt.StartRelay(t, rt.Debug(), rt.StreamConfig("hls: {enabled: false}\nrecord:\n  "+s.Config("")), s.Files(), rt.File("keys/s3-secret", wrong))
	if plan := r.Command(t, "check"); !strings.Contains(plan, "upload  shows   "+s.Endpoint+"/shows/main/") || !strings.Contains(plan, "over http://") {
		t.Errorf("check says:\n%s", plan)
	}
	if rt.Publish(t, r.PublishURL(), rt.Media(t)).Wait() != 0 {
		t.Fatal("the encoder failed")
	}
	var u httpapi.Upload
	rt.Eventually(t, patient, "two tries", func() bool {
		all := uploadsOf(t, r)
		if len(all) > 0 {
			u = all[0]
		}
		return u.Tries > 1 && u.State == "retrying"
	})
	if u.Class != "credentials" || !strings.Contains(u.Reason, "check access_key_file and secret_key_file") || u.NextTry == nil {
		t.Errorf("%+v", u)
	}
	if told := strings.Count(r.Log(), "upload failed"); told != 1 {
		t.Errorf("the log tells it %d times", told)
	}
	_, metrics := r.Get(t, "/metrics")
	if !strings.Contains(string(metrics), `restreamd_uploads{state="retrying"} 1`) {
		t.Error("not in the metrics")
	}
	if shown := r.Command(t, "status"); !strings.Contains(shown, u.File) || !strings.Contains(shown, "credentials: the store does not know these keys") {
		t.Errorf("status says:\n%s", shown)
	}
	canaries := forms(wrong, s.SecretKey, s.AccessKey)
	inQueue := func() {
		files, _ := filepath.Glob(filepath.Join(r.Data, "state", "uploads", "*"))
		for _, name := range files {
			text, _ := os.ReadFile(name)
			clean(t, "queue", string(text), canaries)
		}
	}
	inQueue()

	if err := os.WriteFile(filepath.Join(r.Dir, "keys", "s3-secret"), []byte(s.SecretKey), 0o600); err != nil {
		t.Fatal(err)
	}
	awaitUploaded(t, r, u.File)
	if strings.Contains(r.Log(), "wait for a restart") {
		t.Error("it is said to wait for a restart")
	}
	_, want := fingerprint(t, filepath.Join(r.Data, "recordings", u.File))
	if _, got := fingerprint(t, s.Object(u.File)); got != want {
		t.Error("the object is not the recording")
	}
	inQueue()
	for _, path := range []string{"/api/v1/status", "/metrics"} {
		_, body := r.Get(t, path)
		clean(t, path, string(body), canaries)
	}
	for _, p := range slices.Concat(rt.Children(os.Getpid()), rt.Children(r.Pid())) {
		if p.Pid == r.Pid() {
			clean(t, "argv", strings.Join(p.Args, "\n"), canaries)
		}
	}
	clean(t, "log", r.Log(), canaries)
}

func uploadsOf(t *testing.T, r *rt.Relay) []httpapi.Upload {
	t.Helper()
	return snapshot(t, r).Uploads.List
}

func awaitUploaded(t *testing.T, r *rt.Relay, file string) {
	t.Helper()
	rt.Eventually(t, patient, file+" to be uploaded", func() bool { return len(logLines(r, "recording uploaded", file)) > 0 })
}

func fingerprint(t *testing.T, path string) (size int64, sum [sha256.Size]byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return int64(len(data)), sha256.Sum256(data)
}

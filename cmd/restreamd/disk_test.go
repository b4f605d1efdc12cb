package main_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/restreamd/restreamd/relay/httpapi"
	"github.com/restreamd/restreamd/relay/output"
	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// back is how long recording may take to go on once its disk does: 10 s, and what two busy cores add.
const back = 15 * time.Second

// smallDisk mounts 8 MiB on a folder of a relay that is to be.
func smallDisk(t *testing.T, dir, folder string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may mount a file system")
	}
	at := filepath.Join(dir, folder)
	must(t, os.MkdirAll(at, 0o755))
	if err := unix.Mount("tmpfs", at, "tmpfs", 0, "size=8m"); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(at, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return at
}

// fill writes a file until its disk is full, but for so many bytes.
func fill(t *testing.T, name string, but int) {
	t.Helper()
	f, err := os.Create(name)
	must(t, err)
	defer f.Close()
	var st unix.Statfs_t
	must(t, unix.Fstatfs(int(f.Fd()), &st))
	_, err = f.Write(make([]byte, max(int(st.Bavail)*int(st.Bsize)-but, 0)))
	if err != nil && !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

// alarm waits for an alarm of an output, with words in it.
func alarm(t *testing.T, r *rt.Relay, kind string, words ...string) httpapi.Alarm {
	t.Helper()
	var found httpapi.Alarm
	rt.Eventually(t, patient, fmt.Sprintf("an alarm of %s with %q", kind, words), func() bool {
		for _, found = range snapshot(t, r).Alarms {
			if found.Kind == kind && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(found.Text, w) }) {
				return true
			}
		}
		return false
	})
	return found
}

// awaitBack waits until an output runs again, and no alarm is on.
func awaitBack(t *testing.T, r *rt.Relay, kind string) {
	t.Helper()
	mended := time.Now()
	rt.Eventually(t, back, kind+" to run again", func() bool { return outputStatus(t, r, kind, kind).State == output.Running })
	t.Logf("%s ran again %v after its disk did", kind, time.Since(mended).Round(10*time.Millisecond))
	rt.Eventually(t, soon, "the alarm to be over", func() bool { return len(snapshot(t, r).Alarms) == 0 })
}

// stretches are the runs of want that got is made of, one after the other: from, to.
func stretches(t *testing.T, where string, got, want []string) (all [][2]int) {
	t.Helper()
	for at, end := 0, 0; at < len(got); {
		from := slices.Index(want[end:], got[at])
		if from < 0 {
			t.Fatalf("%s: packet %d is not the stream's, or comes again", where, at)
		}
		from += end
		for end = from; at < len(got) && end < len(want) && got[at] == want[end]; end++ {
			at++
		}
		all = append(all, [2]int{from, end})
	}
	return all
}

// recorded are the pictures of all takes of main, in the order of their names.
func recorded(t *testing.T, r *rt.Relay) (all []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(r.Data, "recordings", "main", "*.mp4"))
	must(t, err)
	for _, f := range files {
		all = append(all, rt.VideoHashes(t, f)...)
	}
	return all
}

// lostInTheMiddle checks that recordings have all there is before and after one hole, which ends with a keyframe.
func lostInTheMiddle(t *testing.T, got, want []string) {
	t.Helper()
	runs := stretches(t, "recording", got, want)
	if len(runs) != 2 || runs[0][0] != 0 || runs[1][0]%gop != 0 || runs[1][1] != len(want) {
		t.Errorf("the recording has packets %v of %d, want two runs, from the first and to the last", runs, len(want))
	}
	t.Logf("recorded: packets %v of %d", runs, len(want))
}

// The disk of recordings fills under a show: recording stops with an alarm while the push and HLS lose nothing, and goes
// on when there is room.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	disk := smallDisk(t, dir, "data/recordings")
	media := rt.Media(t, rt.Duration(24*time.Second))
	sink := rt.NewSink(t)
	r := rt.StartRelay(t, rt.InDir(dir), rt.Destination("platform", destination(sink, "k")),
		rt.StreamConfig("record: {min_free: 2MB}\nhls: {segment: 1s, window: 60}"))
	pub := rt.Publish(t, r.PublishURL(), media)
	awaitVideo(t, sink, 60)
	awaitState(t, r, "record", "record", output.Running)

	fill(t, filepath.Join(disk, "fill"), 0)
	alarm(t, r, "record", "min_free", "2 MB", "remove files", disk)
	o := awaitState(t, r, "record", "record", output.Off)
	if o.Class != output.Disk || o.Pid != 0 {
		t.Errorf("the recorder is %+v", o)
	}
	if metrics := get(t, r, "/metrics").body; !strings.Contains(metrics, `restreamd_alarm{kind="record",name="record",stream="main"} 1`) ||
		!strings.Contains(metrics, "restreamd_alarms 1") {
		t.Error("the alarm is not among the metrics")
	}
	if text := r.Command(t, "status"); !strings.Contains(text, "ALARM main/record") {
		t.Errorf("restreamd status tells nothing of it:\n%s", text)
	}
	must(t, os.Remove(filepath.Join(disk, "fill")))
	awaitBack(t, r, "record")

	if code := pub.Wait(); code != 0 {
		t.Fatalf("the encoder ended with %d", code)
	}
	want := rt.VideoHashes(t, media)
	sameHashes(t, "push", awaitGoodbye(t, sink).VideoHashes(), want)
	rt.Eventually(t, patient, "the take to be one file", func() bool { return len(takes(t, r)) == 1 })
	rt.Eventually(t, soon, "the playlist to end", func() bool { return strings.Contains(get(t, r, "/hls/main/index.m3u8").body, "ENDLIST") })
	checkHLS(t, r, media)
	lostInTheMiddle(t, recorded(t, r), want)
	if n := strings.Count(r.Log(), `"msg":"ALARM`); n < 1 || n > 2 {
		t.Errorf("the alarm was logged %d times", n)
	}
}

// Old takes go before recording stops.
func TestFullDiskMakesRoom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	disk := smallDisk(t, dir, "data/recordings")
	old := filepath.Join(disk, "main", "2024-05-01T18-00-00Z.mp4")
	must(t, os.MkdirAll(filepath.Dir(old), 0o755))
	for _, name := range []string{old, strings.TrimSuffix(old, ".mp4") + ".md", filepath.Join(disk, "main", "mine.mp4")} {
		must(t, os.WriteFile(name, make([]byte, 2<<20), 0o644))
		must(t, os.Chtimes(name, time.Time{}, time.Now().Add(-time.Hour)))
	}
	r := rt.StartRelay(t, rt.InDir(dir), rt.StreamConfig("record: {min_free: 1500kB}\nhls: {enabled: false}"))
	pub := rt.Publish(t, r.PublishURL(), rt.Media(t), rt.Loop())
	awaitState(t, r, "record", "record", output.Running)
	rt.Eventually(t, patient, "the old take to go", func() bool { return !exists(old) })
	if exists(strings.TrimSuffix(old, ".mp4")+".md") || !exists(filepath.Join(disk, "main", "mine.mp4")) {
		t.Error("not all of the take is gone, or more than that")
	}
	if log := r.Log(); !strings.Contains(log, `"msg":"recording removed"`) || !strings.Contains(log, "min_free") {
		t.Error("the log does not tell what was removed, and why")
	}
	fill(t, filepath.Join(disk, "fill"), 1<<20)
	alarm(t, r, "record", "min_free") // there is nothing left that may go
	pub.Stop()
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// The folder of recordings is moved away under a show: it is made again and recording goes on.
func TestVanishedFolder(t *testing.T) {
	t.Parallel()
	media := rt.Media(t, rt.Duration(24*time.Second))
	sink := rt.NewSink(t)
	r := rt.StartRelay(t, rt.Destination("platform", destination(sink, "k")), rt.StreamConfig("hls: {enabled: false}"))
	pub := rt.Publish(t, r.PublishURL(), media)
	awaitVideo(t, sink, 60)
	awaitState(t, r, "record", "record", output.Running)
	must(t, os.Rename(filepath.Join(r.Data, "recordings"), filepath.Join(r.Data, "away")))
	rt.Eventually(t, back, "recording to go on", func() bool {
		o := outputStatus(t, r, "record", "record")
		return o.Starts > 1 && o.State == output.Running
	})
	if code := pub.Wait(); code != 0 {
		t.Fatalf("the encoder ended with %d", code)
	}
	sameHashes(t, "push", awaitGoodbye(t, sink).VideoHashes(), rt.VideoHashes(t, media))
	got := rt.VideoHashes(t, awaitFinished(t, r))
	if runs := stretches(t, "recording", got, rt.VideoHashes(t, media)); len(runs) != 1 || runs[0][1] != len(rt.VideoHashes(t, media)) {
		t.Errorf("recorded in the new folder: %v", runs)
	}
}

// A file system that becomes read-only, as a kernel makes a failing one, is told of in plain words.
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	disk := smallDisk(t, dir, "data/recordings")
	r := rt.StartRelay(t, rt.InDir(dir), rt.StreamConfig("record: {min_free: 1MB}\nhls: {enabled: false}"))
	pub := rt.Publish(t, r.PublishURL(), rt.Media(t), rt.Loop())
	o := awaitState(t, r, "record", "record", output.Running)
	// The kernel takes no file system away that is being written to. A bind on top of it is as read-only for who comes next.
	must(t, unix.Mount(disk, disk, "", unix.MS_BIND, ""))
	must(t, unix.Mount("", disk, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""))
	mounted := true
	unmount := func() {
		if mounted {
			must(t, unix.Unmount(disk, unix.MNT_DETACH))
		}
		mounted = false
	}
	t.Cleanup(unmount)
	must(t, syscall.Kill(o.Pid, syscall.SIGKILL))
	alarm(t, r, "record", "read-only", "mount it for writing", disk)
	if o := outputStatus(t, r, "record", "record"); o.Class != output.Disk {
		t.Errorf("the recorder is %+v", o)
	}
	unmount()
	awaitBack(t, r, "record")
	pub.Stop()
}

// The relay's user loses the right to write.
func TestUnwritableFolder(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root may run the relay as somebody else")
	}
	const nobody = 65534
	dir, err := os.MkdirTemp("", "restreamd-unwritable-") // that of the test is root's alone
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	for _, folder := range []string{"", "data", "data/recordings", "destinations.d", "keys"} {
		must(t, os.MkdirAll(filepath.Join(dir, folder), 0o755))
		must(t, os.Chown(filepath.Join(dir, folder), nobody, nobody))
	}
	must(t, os.Chmod(dir, 0o755))
	r := rt.StartRelay(t, rt.InDir(dir), rt.StreamConfig("hls: {enabled: false}"),
		rt.Under("sh", "-c", `chown -R 65534:65534 . && exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"`, "sh"))
	pub := rt.Publish(t, r.PublishURL(), rt.Media(t), rt.Loop())
	o := awaitState(t, r, "record", "record", output.Running)
	main := filepath.Join(r.Data, "recordings", "main")
	must(t, os.Chmod(main, 0o555))
	must(t, syscall.Kill(o.Pid, syscall.SIGKILL))
	alarm(t, r, "record", "must not be written", "chmod", main)
	must(t, os.Chmod(main, 0o755))
	awaitBack(t, r, "record")
	pub.Stop()
}

// ffmpeg's HLS muxer does not notice a full disk. The relay does.
func TestFullDiskOfHLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	disk := smallDisk(t, dir, "data/hls")
	sink := rt.NewSink(t)
	r := rt.StartRelay(t, rt.InDir(dir), rt.Destination("platform", destination(sink, "k")), rt.StreamConfig("hls: {segment: 1s}"))
	media := rt.Media(t, rt.Duration(24*time.Second))
	pub := rt.Publish(t, r.PublishURL(), media)
	awaitState(t, r, "hls", "hls", output.Running)
	fill(t, filepath.Join(disk, "fill"), 0)
	alarm(t, r, "hls", "the disk is full", disk)
	if o := outputStatus(t, r, "hls", "hls"); o.Class != output.Disk {
		t.Errorf("HLS is %+v", o)
	}
	must(t, os.Remove(filepath.Join(disk, "fill")))
	awaitBack(t, r, "hls")
	if code := pub.Wait(); code != 0 {
		t.Fatalf("the encoder ended with %d", code)
	}
	want := rt.VideoHashes(t, media)
	sameHashes(t, "push", awaitGoodbye(t, sink).VideoHashes(), want)
	sameHashes(t, "recording", rt.VideoHashes(t, awaitFinished(t, r)), want)
}

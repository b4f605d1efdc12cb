package config_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/config"
)

// watched runs a Watcher and keeps what it applied.
type watched struct {
	dir     string
	changed chan struct{} // one token: something was applied since the last look

	mu      sync.Mutex
	applied []config.Snapshot
}

// watch runs a quick Watcher on dir until the end of the test.
func watch(t *testing.T, dir string, rescan time.Duration) *watched {
	t.Helper()
	return watchWith(t, &config.Watcher{Dir: dir, Debounce: 20 * time.Millisecond, Rescan: rescan})
}

func watchWith(t *testing.T, watcher *config.Watcher) *watched {
	t.Helper()
	w := &watched{dir: watcher.Dir, changed: make(chan struct{}, 1)}
	watcher.Known, watcher.Apply = known, w.apply
	ctx, cancel := context.WithCancel(t.Context())
	var served sync.WaitGroup
	served.Go(func() {
		if err := watcher.Serve(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Serve returned %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		served.Wait()
	})
	return w
}

func (w *watched) apply(s config.Snapshot) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.applied = append(w.applied, s)
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

func (w *watched) all() []config.Snapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]config.Snapshot(nil), w.applied...)
}

// last describes the newest snapshot: each destination with its app and key, then each problem.
func (w *watched) last() string {
	all := w.all()
	if len(all) == 0 {
		return "nothing"
	}
	var words []string
	for _, d := range all[len(all)-1].Destinations {
		word := d.Name + "=" + d.Target.App + "/" + d.Target.Key.Reveal()
		if !d.Enabled {
			word += " off"
		}
		words = append(words, word)
	}
	for _, p := range all[len(all)-1].Problems {
		words = append(words, fmt.Sprintf("!%s kept=%v", p.Destination, p.Kept))
	}
	return strings.Join(words, ", ")
}

// await fails unless the newest snapshot becomes want in time.
func (w *watched) await(t *testing.T, want string) {
	t.Helper()
	deadline := time.After(2 * time.Second)
	for w.last() != want {
		select {
		case <-w.changed:
		case <-deadline:
			t.Fatalf("\n got %s\nwant %s", w.last(), want)
		}
	}
}

// shell runs a command in the folder above the watched one, as a person would.
func (w *watched) shell(t *testing.T, command string) {
	t.Helper()
	cmd := exec.Command("sh", "-ec", command)
	cmd.Dir = filepath.Dir(w.dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", command, err, out)
	}
}

func content(app, key string) string {
	return "url: rtmp://host/" + app + "\nkey: " + key + "\n"
}

// longRescan keeps the clock from doing what a test wants to see events do.
const longRescan = time.Hour

func TestWatcherTakesUpEveryKindOfEdit(t *testing.T) {
	for _, c := range []struct{ name, command, want string }{
		{"a new file", "printf 'url: rtmp://host/b\\nkey: k\\n' > d/b.yml", "a=one/k, b=b/k"},
		{"sed -i", "sed -i s/one/two/ d/a.yml", "a=two/k"},
		{"mv in", "sed s/one/two/ d/a.yml > new; mv new d/a.yml", "a=two/k"},
		{"mv within", "mv d/a.yml d/b.yml", "b=one/k"},
		{"mv out", "mv d/a.yml .", ""},
		{"cp", "cp d/a.yml d/c.yaml", "a=one/k, c=one/k"},
		{"cp over it", "sed s/one/two/ d/a.yml > new; cp new d/a.yml", "a=two/k"},
		{"cp --remove-destination", "sed s/one/two/ d/a.yml > new; cp --remove-destination new d/a.yml", "a=two/k"},
		{"install", "sed s/one/two/ d/a.yml > new; install -m 600 new d/a.yml", "a=two/k"},
		{"tee", "sed s/one/two/ d/a.yml > new; tee d/a.yml < new > tee.out", "a=two/k"},
		{"perl -pi", "perl -pi -e s/one/two/ d/a.yml", "a=two/k"},
		{"ln -f", "sed s/one/two/ d/a.yml > new; ln -f new d/a.yml", "a=two/k"},
		{"vim", "vim -Nes -u NONE -c '%s/one/two/' -c wq d/a.yml", "a=two/k"},
		{"vim with a backup by copy", "vim -Nes -u NONE -c 'set backup backupcopy=yes' -c '%s/one/two/' -c wq d/a.yml", "a=two/k"},
		{"vim with a backup by renaming", "vim -Nes -u NONE -c 'set backup backupcopy=no' -c '%s/one/two/' -c wq d/a.yml", "a=two/k"},
		{"vim, a new file", "vim -Nes -u NONE -c '0read d/a.yml' -c wq d/b.yml", "a=one/k, b=one/k"},
		{"ed", "ed -s d/a.yml <<E\n,s/one/two/\nw\nq\nE\n", "a=two/k"},
		{"touch and chmod, then an edit", "touch d/a.yml; chmod 600 d/a.yml; sed -i s/one/two/ d/a.yml", "a=two/k"},
		{"rm", "rm d/a.yml", ""},
		{"rm and write", "rm d/a.yml; printf 'url: rtmp://host/two\\nkey: k\\n' > d/a.yml", "a=two/k"},
		{"truncate and write", ": > d/a.yml; printf 'url: rtmp://host/two\\nkey: k\\n' >> d/a.yml", "a=two/k"},
		{"truncate", ": > d/a.yml", "a=one/k, !a kept=true"},
		{"a mistake", "sed -i s/url/ulr/ d/a.yml", "a=one/k, !a kept=true"},
		{"a mistake in a new file", "echo x > d/b.yml", "a=one/k, !b kept=false"},
		{"disabled", "echo 'enabled: false' >> d/a.yml", "a=one/k off"},
		{"a second of the same name", "cp d/a.yml d/a.yaml", "a=one/k, !a kept=true"},
		{"a link", "ln -s a.yml d/b.yml", "a=one/k, b=one/k"},
		{"a dangling link in its place", "ln -sf nowhere d/a.yml", "a=one/k, !a kept=true"},
		{"a pipe in its place", "rm d/a.yml; mkfifo d/a.yml", "a=one/k, !a kept=true"},
		{"a folder in its place", "rm d/a.yml; mkdir d/a.yml", "a=one/k, !a kept=true"},
		{"a device in its place", "ln -sf /dev/zero d/a.yml", "a=one/k, !a kept=true"},
		{"too large", "head -c 1048577 /dev/zero | tr '\\0' '#' >> d/a.yml", "a=one/k, !a kept=true"},
		{"not text", "printf '\\377' >> d/a.yml", "a=one/k, !a kept=true"},
		{"as vim saves", "touch d/4913; rm d/4913; touch d/.a.yml.swp; mv d/a.yml d/a.yml~; sed s/one/two/ d/a.yml~ > d/a.yml; rm d/a.yml~ d/.a.yml.swp", "a=two/k"},
		{"as emacs saves", "ln -s me@host.1 d/.#a.yml; cp d/a.yml 'd/#a.yml#'; cp d/a.yml d/a.yml~; sed s/one/two/ d/a.yml~ > d/a.yml; rm d/.#a.yml 'd/#a.yml#'", "a=two/k"},
		{"the folder replaced", "mkdir e; sed s/one/two/ d/a.yml > e/a.yml; mv d old; mv e d", "a=two/k"},
		{"the folder made anew", "rm -r d; mkdir d; printf 'url: rtmp://host/two\\nkey: k\\n' > d/a.yml", "a=two/k"},
		{"the folder gone", "mv d old", "a=one/k, ! kept=true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tool, _, _ := strings.Cut(c.command, " ")
			if _, err := exec.LookPath(tool); err != nil && slices.Contains([]string{"vim", "perl", "ed"}, tool) {
				t.Skip("not installed")
			}
			dir := filepath.Join(t.TempDir(), "d")
			write(t, filepath.Join(dir, "a.yml"), content("one", "k"))
			w := watch(t, dir, longRescan)
			w.await(t, "a=one/k")
			w.shell(t, c.command)
			w.await(t, c.want)
		})
	}
}

func TestWatcherFollowsAFolderThatComesBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	w := watch(t, dir, longRescan)
	w.await(t, "! kept=false")
	write(t, filepath.Join(dir, "a.yml"), content("one", "k"))
	w.await(t, "a=one/k")
	w.shell(t, "mv d old")
	w.await(t, "a=one/k, ! kept=true")
	w.shell(t, "mv old d; sed -i s/one/two/ d/a.yml")
	w.await(t, "a=two/k")
	w.shell(t, "rm d/a.yml")
	w.await(t, "")
}

func TestWatcherRecoversFromAMistake(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "a.yml"), content("one", "k"))
	w := watch(t, dir, longRescan)
	w.await(t, "a=one/k")
	write(t, file, "# "+theKey+"\nkye: "+theKey+"\n")
	w.await(t, "a=one/k, !a kept=true")
	all := w.all()
	problem := all[len(all)-1].Problems[0].Err.Error()
	if !strings.HasPrefix(problem, file+":2: kye: unknown setting") || strings.Contains(problem, theKey) {
		t.Errorf("problem: %s", problem)
	}
	write(t, file, content("two", "k"))
	w.await(t, "a=two/k")
	write(t, file, "")
	w.await(t, "a=two/k, !a kept=true")
	w.shell(t, "rm "+file)
	w.await(t, "")
}

func TestWatcherAppliesChangesOnly(t *testing.T) {
	dir := t.TempDir()
	// Its key is nobody else's to read from the start: a note about that would be a change.
	if err := os.Chmod(write(t, filepath.Join(dir, "a.yml"), content("one", "k")), 0o600); err != nil {
		t.Fatal(err)
	}
	w := watch(t, dir, 5*time.Millisecond)
	w.await(t, "a=one/k")
	for _, command := range []string{
		"touch $d/a.yml", "chmod 640 $d/a.yml", "cp $d/a.yml $d/.tmp; mv $d/.tmp $d/a.yml", "echo '# a comment' >> $d/a.yml", "touch $d/README.md",
	} {
		w.shell(t, "d="+dir+"; "+command)
	}
	write(t, filepath.Join(dir, "b.yml"), content("b", "k"))
	w.await(t, "a=one/k, b=b/k")
	all := w.all()
	if len(all) != 2 {
		t.Errorf("applied %d times, want 2", len(all))
	}
	if all[0].Destinations[0].Fingerprint != all[len(all)-1].Destinations[0].Fingerprint {
		t.Error("the untouched destination got another fingerprint")
	}
}

func TestWatcherRescansWhatEventsCannotShow(t *testing.T) {
	root := t.TempDir()
	key := write(t, filepath.Join(root, "secrets/k"), "k1\n")
	for _, generation := range []string{"1", "2"} {
		write(t, filepath.Join(root, generation, "a.yml"), "url: rtmp://host/app"+generation+"\nkey_file: "+key+"\n")
	}
	if err := os.Symlink("1", filepath.Join(root, "d")); err != nil {
		t.Fatal(err)
	}
	w := watch(t, filepath.Join(root, "d"), 50*time.Millisecond)
	w.await(t, "a=app1/k1")
	write(t, key, "k2\n")
	w.await(t, "a=app1/k2")
	w.shell(t, "ln -s 2 new; mv -T new d")
	w.await(t, "a=app2/k2")
}

func TestWatcherFollowsAFolderBehindALink(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "1/a.yml"), content("one", "k"))
	write(t, filepath.Join(root, "2/a.yml"), content("two", "k"))
	if err := os.Symlink("1", filepath.Join(root, "d")); err != nil {
		t.Fatal(err)
	}
	w := watch(t, filepath.Join(root, "d"), longRescan)
	w.await(t, "a=one/k")
	// The swap itself is no event in either folder; the next one in the old folder brings it up.
	w.shell(t, "ln -s 2 new; mv -T new d; touch 1/noise")
	w.await(t, "a=two/k")
	w.shell(t, "sed -i s/two/three/ 2/a.yml")
	w.await(t, "a=three/k")
}

// Without events a save is seen by the clock, which may strike in its middle.
func TestWatcherDoesNotBelieveTheClockAtOnce(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "1/a.yml"), content("one", "k"))
	write(t, filepath.Join(root, "2/a.yml"), content("two", "k"))
	w := watchWith(t, &config.Watcher{Dir: filepath.Join(root, "d"), Debounce: 500 * time.Millisecond, Rescan: time.Millisecond})
	w.shell(t, "mkdir empty; ln -s 1 d")
	w.await(t, "a=one/k")
	before := len(w.all())

	w.shell(t, "ln -s empty new; mv -T new d")
	<-time.After(20 * time.Millisecond) // a pause in the save, long for the clock and short for Debounce
	w.shell(t, "ln -s 2 new; mv -T new d")
	w.await(t, "a=two/k")
	if n := len(w.all()) - before; n != 1 {
		t.Errorf("applied %d times, want once: the middle of the save was taken up", n)
	}
}

// Kubernetes mounts a folder whose files are links through ..data, and swaps that.
func TestWatcherFollowsASwappedVolume(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	write(t, filepath.Join(dir, "..1/a.yml"), content("one", "k"))
	write(t, filepath.Join(dir, "..2/a.yml"), content("two", "k"))
	write(t, filepath.Join(dir, "..2/b.yml"), content("b", "k"))
	if err := errors.Join(os.Symlink("..1", filepath.Join(dir, "..data")), os.Symlink("..data/a.yml", filepath.Join(dir, "a.yml"))); err != nil {
		t.Fatal(err)
	}
	w := watch(t, dir, longRescan)
	w.await(t, "a=one/k")
	w.shell(t, "cd d; ln -s ..2 ..tmp; mv -T ..tmp ..data; ln -s ..data/b.yml b.yml; rm -r ..1")
	w.await(t, "a=two/k, b=b/k")
}

func TestWatcherTakesUpAFileThatIsWrittenWithoutPause(t *testing.T) {
	dir := t.TempDir()
	w := watch(t, dir, longRescan)
	w.await(t, "")
	stop := make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				_ = os.WriteFile(filepath.Join(dir, "noise"), nil, 0o600)
			}
		}
	})
	write(t, filepath.Join(dir, "a.yml"), content("one", "k"))
	defer writing.Wait()
	defer close(stop)
	w.await(t, "a=one/k")
}

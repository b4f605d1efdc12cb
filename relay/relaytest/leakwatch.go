package relaytest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	// processLook is how often processes are looked at: none that got as far as a platform is gone sooner.
	processLook = 200 * time.Millisecond
	// wideLook is how often everything else is: what was printed once stays printed.
	wideLook = 3 * time.Second
	// answerDeadline is how long an HTTP answer may take. One that does not come says nothing.
	answerDeadline = 2 * time.Second
	// excerpt is how much is shown on either side of a leak, in bytes.
	excerpt = 80
)

// leakWatch looks for a relay's secrets wherever others could read them, for as long as the relay runs: the command
// lines and environments of its processes, its log, HTTP answers, state files and the names of its files. What it finds
// fails the test. It starts one goroutine, which end waits for.
type leakWatch struct {
	t     testing.TB
	relay *Relay
	// showsKey: the relay makes its stream key itself and shows it in its banner.
	showsKey bool

	stop context.CancelFunc
	wg   sync.WaitGroup

	mu      sync.Mutex // whoever looks holds it
	secrets *givenSecrets
	clean   map[string]string // what was searched already, by its path in /proc
	logRead int               // bytes of the log that were searched already
	told    map[string]bool   // leaks
}

func watchLeaks(t testing.TB, r *Relay, showsKey bool) *leakWatch {
	t.Helper()
	if _, err := os.Stat("/proc/thread-self/children"); err != nil {
		t.Errorf("look for leaks: this kernel does not tell a process's children (CONFIG_PROC_CHILDREN): %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	w := &leakWatch{
		t: t, relay: r, showsKey: showsKey, stop: stop,
		secrets: newGivenSecrets(r), clean: make(map[string]string), told: make(map[string]bool),
	}
	w.secrets.learn() // before a test puts others in their place
	w.wg.Go(func() { w.run(ctx) })
	return w
}

func (w *leakWatch) run(ctx context.Context) {
	often, seldom := time.NewTicker(processLook), time.NewTicker(wideLook)
	defer often.Stop()
	defer seldom.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-often.C:
			w.lookAtProcesses()
		case <-seldom.C:
			w.lookAround()
		}
	}
}

// end looks for the last time, at what an ended relay left.
func (w *leakWatch) end() {
	w.stop()
	w.wg.Wait()
	w.mu.Lock()
	w.logRead = 0 // again with all that was learned since
	w.mu.Unlock()
	w.lookAround()
}

// learn takes the secrets of a file that is about to be written: it may be gone again before the next look.
func (w *leakWatch) learn(path, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.secrets.learnSettings(path, text) {
		clear(w.clean)
	}
}

// learnAgain takes new secrets from the relay's files. With those, what was clean is not known to be.
func (w *leakWatch) learnAgain() {
	if w.secrets.learn() {
		clear(w.clean)
	}
}

func (w *leakWatch) lookAtProcesses() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.learnAgain()
	var ownArgs string
	for _, pid := range familyOf(w.relay.Pid()) {
		which := fmt.Sprintf("of process %d", pid)
		args := w.searchProc(pid, "cmdline", func(text string) { w.search("command line", which, text, false) })
		own := pid == w.relay.Pid()
		if own {
			ownArgs = args
		} else if args == ownArgs {
			continue // it is not its own program yet, and shows the relay's environment
		}
		w.searchProc(pid, "environ", func(text string) { w.search("environment", which, text, own) })
	}
}

// searchProc returns a file of a process, and has it searched if it changed since the last time.
func (w *leakWatch) searchProc(pid int, file string, search func(string)) string {
	path := filepath.Join("/proc", strconv.Itoa(pid), file)
	data, err := os.ReadFile(path)
	text := strings.ReplaceAll(string(data), "\x00", " ")
	if err == nil && w.clean[path] != text {
		w.clean[path] = text
		search(text)
	}
	return text
}

// lookAround looks at all but the processes.
func (w *leakWatch) lookAround() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.learnAgain()
	w.lookAtLog()
	w.lookAtFiles()
	if !w.ended() {
		w.lookAtAnswers()
	}
}

func (w *leakWatch) ended() bool {
	select {
	case <-w.relay.child.exited:
		return true
	default:
		return false
	}
}

// shownKey is the line of the banner that shows a key the relay has just made.
var shownKey = regexp.MustCompile(`(?m)^  Stream Key  \S+   \(shown this once; .*$`)

// lookAtLog searches the lines that are new and whole.
func (w *leakWatch) lookAtLog() {
	text := w.relay.Log()
	begin, end := w.logRead, strings.LastIndexByte(text, '\n')+1
	if w.ended() {
		end = len(text)
	}
	w.logRead = end
	text = text[begin:end]
	if w.showsKey {
		text = shownKey.ReplaceAllString(text, "")
	}
	w.search("log", "", text, false)
}

func (w *leakWatch) lookAtFiles() {
	data := w.relay.Data
	_ = filepath.WalkDir(data, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil // files come and go
		}
		name, err := filepath.Rel(data, path)
		if err != nil {
			return err
		}
		w.search("name of a file", "", name, false)
		if filepath.Dir(name) == "state" && entry.Type().IsRegular() {
			text, _ := readSettled(path)
			w.search("content of a file", name, text, false)
		}
		return nil
	})
}

func (w *leakWatch) lookAtAnswers() {
	var run runFile
	text, _ := readSettled(w.relay.runPath())
	if json.Unmarshal([]byte(text), &run) != nil {
		return // it does not listen yet, or any more
	}
	client := http.Client{Timeout: answerDeadline, Transport: &http.Transport{DisableKeepAlives: true}}
	for _, path := range []string{"/api/v1/status", "/metrics", "/"} {
		resp, err := client.Get("http://" + run.HTTP + path)
		if err != nil {
			continue
		}
		body, _ := io.ReadAll(resp.Body) // half an answer may hold a leak too
		resp.Body.Close()
		w.search("answer to GET "+path, "", string(body), false)
	}
}

// search fails the test for each secret in a text, once for each kind of place. own is for the relay's own environment,
// where the operator may have put some.
func (w *leakWatch) search(place, which, text string, own bool) {
	found := w.secrets.find(text)
	for _, leak := range found {
		if id := leak.whose + " " + place; !w.told[id] && (!own || !leak.inEnviron) {
			w.told[id] = true
			w.t.Errorf("a secret leaked: %s is in the %s: …%q…", leak.whose, strings.TrimSpace(place+" "+which), around(text, leak, found))
		}
	}
}

// around is the text on either side of a leak, without what leaked.
func around(text string, leak needle, all []needle) string {
	at := strings.Index(text, leak.text)
	text = text[max(0, at-excerpt):min(len(text), at+len(leak.text)+excerpt)]
	for _, n := range all {
		text = strings.ReplaceAll(text, n.text, "***")
	}
	return text
}

// familyOf returns a process and its descendants without reading about every process there is.
func familyOf(pid int) []int {
	family := []int{pid}
	for i := 0; i < len(family); i++ {
		tasks := fmt.Sprintf("/proc/%d/task", family[i])
		threads, _ := os.ReadDir(tasks) // none of a process that has just ended
		for _, thread := range threads {
			children, _ := os.ReadFile(filepath.Join(tasks, thread.Name(), "children"))
			for _, field := range strings.Fields(string(children)) {
				if child, err := strconv.Atoi(field); err == nil {
					family = append(family, child)
				}
			}
		}
	}
	return family
}

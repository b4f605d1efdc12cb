package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/restreamd/restreamd/recorder"
	"github.com/restreamd/restreamd/recorder/upload"
	"github.com/restreamd/restreamd/relay/config"
	"github.com/restreamd/restreamd/relay/hls"
	"github.com/restreamd/restreamd/relay/httpapi"
)

// archive is what makes something of children's files, and of recordings when their session is over.
type archive struct {
	finisher *recorder.Finisher
	composer *hls.Composer
	uploads  *uploads
}

// uploads is the Uploader with the settings in force.
type uploads struct {
	*upload.Uploader
	targets atomic.Pointer[map[string]upload.Target] // by stream; streams without one keep their recordings here
}

func (h *house) newUploads() *uploads {
	u := &uploads{Uploader: &upload.Uploader{
		Dir:     recordings(h.cfg.Data),
		Queue:   filepath.Join(stateDir(h.cfg.Data), "uploads"),
		See:     h.seeUpload,
		Trouble: func(err error) { h.log.Error("upload queue", zap.Error(err)) },
	}}
	u.Target = u.target
	u.configure(h.cfg.Config)
	return u
}

func (u *uploads) target(stream string) (upload.Target, bool) {
	t, ok := (*u.targets.Load())[stream]
	return t, ok
}

// configure puts settings in force, and has what failed under others tried again.
func (u *uploads) configure(cfg *config.Config) {
	targets := map[string]upload.Target{}
	for _, s := range cfg.Streams {
		if to := s.Record.Upload; to.On() {
			targets[s.Name] = upload.Target{
				Endpoint: to.Endpoint, Bucket: to.Bucket, Prefix: to.PrefixOf(s.Name), Region: to.Region,
				AccessKey: to.AccessKey, SecretKey: to.SecretKey,
				DeleteAfter: to.DeleteAfter, PartSize: to.PartSize, Rate: to.Rate,
			}
		}
	}
	u.targets.Store(&targets)
	u.Retry()
}

// upload queues a recording that was finished, if its stream's go anywhere.
func (h *house) upload(file string) {
	stream := streamOfRecording(recordings(h.cfg.Data), file)
	if _, wished := h.uploads.target(stream); !wished {
		return
	}
	if err := h.uploads.Add(stream, file); err != nil {
		h.log.Error("recording may not be uploaded", zap.Error(err))
	}
}

// streamOfRecording is what stands beside a recording about its stream; without, the name of its folder.
func streamOfRecording(dir, file string) string {
	var beside struct {
		Stream string `json:"stream"`
	}
	if text, err := os.ReadFile(file + ".json"); err == nil {
		_ = json.Unmarshal(text, &beside) // the folder is as good
	}
	rel, _ := filepath.Rel(dir, file)
	folder, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
	return cmp.Or(beside.Stream, folder)
}

// seeUpload logs what became of a recording.
func (h *house) seeUpload(s upload.Status) {
	about := []zap.Field{zap.String("stream", s.Stream), zap.String("file", s.File), zap.String("to", s.Target)}
	switch {
	case s.State == upload.Done && s.Reason == "":
		h.log.Info("recording uploaded", about...)
	case s.State == upload.Done:
		h.log.Warn("recording uploaded", append(about, zap.String("note", s.Reason))...)
	case s.State == upload.Retrying:
		h.log.Warn("upload failed: it is tried again until it succeeds", append(about,
			zap.String("class", string(s.Class)), zap.String("reason", s.Reason))...)
	default:
		h.log.Error("recording not uploaded", append(about, zap.String("reason", s.Reason))...)
	}
}

// waits reports whether a session's recording is yet to be uploaded.
func (u *uploads) waits(stream string, session time.Time) bool {
	all, _, _ := u.Snapshot()
	for _, s := range all {
		if s.State == upload.Done || s.Stream != stream {
			continue
		}
		told, err := recorder.ReadSidecar(filepath.Join(u.Dir, s.File))
		if err != nil || told.Session.Equal(session) { // whose it is cannot be known: better too much is kept
			return true
		}
	}
	return false
}

// report is what the API shows of uploads.
func (u *uploads) report(hide func(string) string) httpapi.Uploads {
	all, states, totals := u.Snapshot()
	r := httpapi.Uploads{
		List: []httpapi.Upload{}, States: map[string]int{},
		Done: totals.Done, Failures: totals.Failures, Sent: totals.Sent,
	}
	for _, s := range upload.States() {
		if s != upload.Done { // it is a sum
			r.States[string(s)] = states[s]
		}
	}
	for _, s := range all {
		r.List = append(r.List, httpapi.Upload{
			Stream: s.Stream, File: s.File, Target: s.Target, State: string(s.State), Since: s.Since, Sent: s.Sent, Total: s.Total,
			Tries: s.Tries, Class: string(s.Class), Reason: hide(s.Reason), NextTry: s.NextTry,
		})
	}
	return r
}

// showUploads is what restreamd status says of uploads.
func showUploads(line func(format string, a ...any), u httpapi.Uploads, now time.Time) {
	if len(u.List) == 0 {
		return
	}
	line("uploads: %d done, %.1f MB sent\n", u.Done, float64(u.Sent)/1e6)
	line("  FILE\tSTATE\tFOR\tSENT\tTRIES\tNOTE\n")
	for _, one := range u.List {
		note := one.Target
		if one.Reason != "" {
			note = strings.TrimPrefix(one.Class+": "+one.Reason, ": ")
		}
		if one.NextTry != nil {
			note += fmt.Sprintf("; next try in %s", max(one.NextTry.Sub(now), 0).Round(time.Second))
		}
		line("  %s\t%s\t%s\t%.1f of %.1f MB\t%d\t%s\n", one.File, one.State, now.Sub(one.Since).Round(time.Second),
			float64(one.Sent)/1e6, float64(one.Total)/1e6, one.Tries, note)
	}
}

// printUploads is what restreamd check says of uploads, in its table of outputs.
func printUploads(line func(format string, a ...any), streams []config.Stream) {
	for _, s := range streams {
		if to := s.Record.Upload; to.On() {
			line("%s\tupload\t%s\t%s/%s/%s\t***\n", s.Name, to.Bucket, to.Endpoint, to.Bucket, to.PrefixOf(s.Name))
		}
	}
}

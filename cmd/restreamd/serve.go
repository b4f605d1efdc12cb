package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
	"go.uber.org/zap"

	"github.com/restreamd/restreamd/ingest"
	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/output"
	"github.com/restreamd/restreamd/relay/process"
)

// A stop takes 10 s at most: 8 s for the shares below, and what it takes to end children that do not listen.
const (
	stopWithin  = 8 * time.Second
	drainWithin = 4 * time.Second // for outputs to deliver what they hold
)

// owner is the entry of each child's environment by which leftovers of a relay that was killed are known.
const owner = "RESTREAMD_DATA="

// house is the relay with everything in it, in the order of the media's way.
type house struct {
	cfg   *settings
	log   *zap.Logger
	caps  ffmpeg.Capabilities
	keys  keyCabinet
	ports ports

	door     frontDoor
	ingest   *ingest.Server
	certs    certificates // nil without RTMPS
	hub      *relay.Hub
	outputs  *output.Set
	director *director
	story    *chronicle
	archive
	reporter *reporter
}

// ports are what the relay listens on. rtmps is nil without RTMPS.
type ports struct{ rtmp, rtmps, http net.Listener }

// serve is the relay's whole story: what it needs, what an earlier run left, and its life.
func serve(c *cli.Context) error {
	cfg, err := load(c)
	if err != nil {
		return err
	}
	h := &house{cfg: cfg}
	h.keys.mask.to = os.Stderr
	h.log = newLogger(&h.keys.mask, isTerminal(os.Stderr), c.Bool("debug"))

	// 1. What it needs: folders that are its own, keys, an ffmpeg that can do the work, two ports.
	if err := h.prepare(); err != nil {
		return err
	}
	locked, err := lock(cfg.Data)
	if err != nil {
		return err
	}
	defer locked.Close() //nolint:errcheck // goes with the process
	if h.caps, err = h.probe(c.Context); err != nil {
		return err
	}
	if err := h.listen(); err != nil {
		return err
	}

	// 2. What an earlier run left: children, open playlists, unfinished recordings.
	if err := h.recover(c.Context); err != nil {
		return err
	}

	// 3. Its parts and its life.
	if err := h.build(); err != nil {
		return err
	}
	return h.live(c.Context)
}

// live runs the parts: started last first, so that nothing is accepted before everything behind it stands, and stopped
// in the order in which the media flows.
func (h *house) live(ctx context.Context) error {
	parts := newStages()
	web := parts.start("HTTP", h.serveHTTP)
	uploading := parts.start("uploads", h.uploads.Serve)
	finishing := parts.start("finisher", h.finisher.Serve)
	tidying := parts.start("HLS janitor", h.tidy)
	boxing := parts.start("black box", h.story.box.Serve)
	composing := parts.start("HLS playlists", h.compose)
	telling := parts.start("chronicle", h.story.Serve)
	running := parts.start("outputs", h.outputs.Serve)
	directing := parts.start("director", h.director.Serve)
	watching := parts.start("destinations", h.watch)
	reloading := parts.start("configuration", h.reload)
	certifying := parts.start("certificates", h.serveCertificates)
	h.resume(h.leftSessions())
	closing := parts.start("earlier recordings", h.finishEarlier(h.earlierSessions()))
	saving := parts.start("sessions", h.saveSessions)
	remembering := parts.start("history", h.story.past.Serve)
	ordering := parts.start("recordings", h.director.desk.Serve)
	tidyingUp := parts.start("recordings' janitor", h.director.desk.janitor.Serve)
	keeping := parts.start("hold", h.keep)
	accepting := parts.start("RTMP", h.serveRTMP)
	err := h.announce()

	// On air, until told to stop or a part fails.
	if err == nil {
		select {
		case <-ctx.Done():
		case err = <-parts.failed:
		}
	}

	// No more publishers, streams off air, outputs finish and go, then whoever looked after them.
	h.log.Info("stopping")
	stopBy, done := context.WithTimeout(context.Background(), stopWithin)
	defer done()
	h.reporter.ready.Store(false)
	stop(remembering, saving, tidyingUp, ordering, closing, accepting, certifying, reloading, watching, directing, keeping)
	h.composer.Suspend()
	h.hub.Close()
	h.drain(stopBy)
	stop(running, composing, telling, boxing)
	h.finish(stopBy)
	stop(finishing, uploading, tidying, web)
	_ = os.Remove(runPath(h.cfg.Data))
	h.log.Info("stopped")
	return err
}

// announce tells people and other commands that the relay takes publishers, and where.
func (h *house) announce() error {
	if err := writeRunFile(h.cfg.Data, h.ports); err != nil {
		return err
	}
	h.reporter.ready.Store(true)
	banner(os.Stdout, h.cfg, h.ports, h.keys.made)
	h.log.Info("ready", zap.String("version", version), zap.Stringer("rtmp", h.ports.rtmp.Addr()),
		zap.Stringer("http", h.ports.http.Addr()), zap.String("ffmpeg", h.caps.Version.Text))
	h.warnPlain()
	for _, note := range h.cfg.Notes {
		h.log.Warn("restreamd.yml", zap.String("note", note))
	}
	return nil
}

func (h *house) prepare() error {
	for _, dir := range []string{h.cfg.Data, recordings(h.cfg.Data), hlsDir(h.cfg.Data), stateDir(h.cfg.Data), h.cfg.Destinations} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
	}
	return h.keys.open(h.cfg.Config)
}

func (h *house) probe(ctx context.Context) (ffmpeg.Capabilities, error) {
	caps, err := ffmpeg.Probe(ctx, h.cfg.FFmpeg)
	if err != nil {
		return caps, err
	}
	for _, what := range caps.Missing() {
		h.log.Warn("this ffmpeg cannot do everything", zap.String("missing", what))
	}
	for _, r := range h.cfg.Renditions { // hardware encoders are listed even where there is no hardware
		if err := ffmpeg.ProbeEncoder(ctx, h.cfg.FFmpeg, r.Encoder); err != nil {
			h.log.Error("an encoder does not work: what needs it will fail", zap.String("rendition", r.Name), zap.Error(err))
		}
	}
	return caps, checkSlates(ctx, h.cfg, h.env())
}

func (h *house) listen() (err error) {
	if h.ports.rtmp, err = listen("RTMP", "rtmp.listen", h.cfg.RTMP.Listen); err != nil {
		return err
	}
	if h.cfg.RTMPS.Listen != "" {
		if h.ports.rtmps, err = listen("RTMPS", "rtmps.listen", h.cfg.RTMPS.Listen); err != nil {
			return err
		}
		if h.certs, err = newCertificates(h.cfg.Config, h.ports.rtmps, h.log); err != nil {
			return usageError{err}
		}
	}
	h.ports.http, err = listen("HTTP", "http.listen", h.cfg.HTTP.Listen)
	return err
}

func listen(what, field, addr string) (net.Listener, error) {
	ln, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("listen for %s: another program uses %s: stop it, or set %s in restreamd.yml: %w", what, addr, field, err)
	}
	if err != nil {
		return nil, fmt.Errorf("listen for %s: %w", what, err)
	}
	return ln, nil
}

func (h *house) recover(ctx context.Context) error {
	if left := process.Sweep(ctx, owner+h.cfg.Data, 0); len(left) > 0 {
		h.log.Warn("ended children of an earlier run", zap.Ints("pids", left))
	}
	goesOn := map[string]time.Time{}
	for name, s := range h.leftSessions() {
		goesOn[name] = s.Start
	}
	h.composer = h.newComposer()
	if err := h.composer.Recover(goesOn); err != nil {
		return err
	}
	h.uploads = h.newUploads()
	h.finisher = h.newFinisher()
	return h.finisher.AllBut(goesOn)
}

func (h *house) env() []string { return ffmpeg.Env(owner + h.cfg.Data) }

func (h *house) build() error {
	if err := h.door.configure(context.Background(), h.cfg.Config); err != nil {
		return usageError{err}
	}
	h.hub = relay.NewHub(h.cfg.StreamNames()...)
	h.outputs = &output.Set{
		Source: func(name string) output.Source {
			if s := h.hub.Stream(name); s != nil {
				return s
			}
			return nil
		},
		Tool: output.Tool{Path: h.cfg.FFmpeg, Env: h.env(), Reads: func(k relay.Kind, body []byte) bool {
			return h.caps.ReadsTag(uint8(k), body)
		}},
		Log:   h.log,
		Spool: stateDir(h.cfg.Data),
	}
	h.chronicle()
	desk := h.newDesk()
	h.director = newDirector(planner{
		cfg: h.cfg.Config, finisher: h.finisher, composer: h.composer, desk: desk, own: newOwnPorts(h.ports.rtmp, h.ports.rtmps), unable: unable(h.caps), log: h.log,
	}, h.hub, h.outputs, h.budget())
	desk.replan = h.director.again
	h.director.left.know(h.leftSessions())
	h.ingest = &ingest.Server{Hub: h.hub, Auth: &h.door.lock, Limits: h.door.now, Carries: h.caps.CanFLV, Log: h.log}
	h.reporter = &reporter{
		hub: h.hub, outputs: h.outputs, director: h.director, ingest: h.ingest, uploads: h.uploads, hide: h.keys.mask.hide, data: h.cfg.Data,
		viewers: &h.door.viewers, ffmpeg: h.caps.Version.Text, started: time.Now().UTC(),
	}
	return nil
}

// serveRTMP takes publishers and players on both ports. Should one fail, both end.
func (h *house) serveRTMP(ctx context.Context) error {
	if h.ports.rtmps == nil {
		return h.ingest.Serve(ctx, h.ports.rtmp)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var secure error
	var wg sync.WaitGroup
	wg.Go(func() {
		defer cancel()
		secure = h.ingest.ServeTLS(ctx, h.ports.rtmps, h.certs.TLSConfig())
	})
	plain := h.ingest.Serve(ctx, h.ports.rtmp)
	cancel()
	wg.Wait()
	return errors.Join(plain, secure)
}

func (h *house) serveCertificates(ctx context.Context) error {
	if h.certs == nil {
		<-ctx.Done()
		return nil
	}
	return h.certs.Serve(ctx)
}

// drain lets outputs deliver what the closed streams still hold and finish by themselves.
func (h *house) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, drainWithin)
	defer cancel()
	h.outputs.Drain(ctx)
}

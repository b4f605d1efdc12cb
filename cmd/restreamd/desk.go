package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/restreamd/restreamd/recorder"
	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/config"
	"github.com/restreamd/restreamd/relay/httpapi"
	"github.com/restreamd/restreamd/relay/output"
)

const (
	// orderEvery is how often the desk looks whether a session is over that somebody gave an order for: the next one may
	// begin at once.
	orderEvery  = 250 * time.Millisecond
	alarmEvery  = time.Second
	parkedEvery = 10 * time.Second // how often takes that wait for room are looked at
)

var errNotRecorded = errors.New("nothing is recorded that a clip could be made of")

// desk decides whether streams are recorded:
//
//	record.enabled ─▶ somebody's order, for the session that is on ─▶ room on the disk ─▶ the recorder runs
//
// Orders are kept in data/state/record.json: a relay that is started again goes on with the session, and with them.
type desk struct {
	cfg     *config.Config
	hub     *relay.Hub
	outputs *output.Set
	janitor *recorder.Janitor
	clipper *recorder.Clipper
	parked  func() // finishes takes that waited for room
	log     *zap.Logger
	replan  func() // has what was decided take effect

	mu     sync.Mutex
	orders map[string]order
	alarms alarms
}

// order is what somebody said about one session.
type order struct {
	Session time.Time `json:"session"`
	On      bool      `json:"on"`
}

func ordersPath(data string) string { return filepath.Join(stateDir(data), "record.json") }

// readOrders returns those of an earlier run.
func (d *desk) readOrders() {
	d.orders = map[string]order{}
	text, err := os.ReadFile(ordersPath(d.cfg.Data))
	if err == nil {
		err = json.Unmarshal(text, &d.orders)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.orders = map[string]order{}
		d.log.Warn("streams are recorded as restreamd.yml says: what was said by hand is not known", zap.Error(err))
	}
}

// decide says whether a stream has a recorder, and why it must rest, if it must.
func (d *desk) decide(s config.Stream) (wanted bool, rest output.Rest) {
	if d == nil { // nothing is on, and nobody said anything
		return s.Record.Enabled, output.Rest{}
	}
	o, said := d.order(s.Name)
	switch {
	case said && !o.On:
		return true, output.Rest{State: output.Off, Reason: "recording was stopped by hand, until the end of the session"}
	case !said && !s.Record.Enabled:
		return false, output.Rest{}
	case d.janitor.Short(s.Name):
		return true, output.Rest{State: output.Off, Class: output.Disk, Reason: shortWords(s, d.cfg.Data)}
	}
	return true, output.Rest{}
}

// order is what somebody said about the session that is on.
func (d *desk) order(stream string) (order, bool) {
	source := d.hub.Stream(stream)
	if source == nil {
		return order{}, false
	}
	session, on := source.Session()
	d.mu.Lock()
	defer d.mu.Unlock()
	o, said := d.orders[stream]
	return o, said && on && o.Session.Equal(session)
}

// Record gives an order for the session that is on.
func (d *desk) Record(stream string, on bool) error {
	s, ok := d.cfg.Stream(stream)
	if !ok {
		return httpapi.ErrNoStream
	}
	session, live := d.hub.Stream(stream).Session()
	if !live {
		return httpapi.ErrOffAir
	}
	d.mu.Lock()
	if d.orders[stream] = (order{Session: session, On: on}); on == s.Record.Enabled {
		delete(d.orders, stream)
	}
	err := writeState(ordersPath(d.cfg.Data), d.orders)
	d.mu.Unlock()
	if err != nil {
		d.log.Warn("a restart would forget what was said by hand about recording", zap.Error(err))
	}
	d.log.Info("recording by hand", zap.String("stream", stream), zap.Bool("on", on))
	d.replan()
	return nil
}

// Recording returns how a stream is recorded.
func (d *desk) Recording(stream string) (httpapi.Recording, error) {
	s, ok := d.cfg.Stream(stream)
	if !ok {
		return httpapi.Recording{}, httpapi.ErrNoStream
	}
	o, said := d.order(stream)
	now := httpapi.Recording{
		Stream: stream, On: s.Record.Enabled, ByHand: said, Configured: s.Record.Enabled, State: output.Off,
	}
	if said {
		now.On = o.On
	}
	status := d.recorder(stream)
	now.State, now.Reason = cmp.Or(status.State, output.Off), status.Reason
	return now, nil
}

// Clip makes a file of the last so much of a running show.
func (d *desk) Clip(ctx context.Context, stream string, length time.Duration) (httpapi.Clip, error) {
	if _, ok := d.cfg.Stream(stream); !ok {
		return httpapi.Clip{}, httpapi.ErrNoStream
	}
	session, live := d.hub.Stream(stream).Session()
	if status := d.recorder(stream); !live || status.State != output.Running {
		return httpapi.Clip{}, fmt.Errorf("%w: %s", errNotRecorded, cmp.Or(status.Reason, "its recorder is "+string(cmp.Or(status.State, output.Off))))
	}
	c, err := d.clipper.Clip(ctx, stream, session, length)
	if err != nil {
		d.log.Warn("no clip", zap.String("stream", stream), zap.Error(err))
		return httpapi.Clip{}, err
	}
	d.log.Info("clip made", zap.String("file", c.File), zap.Duration("lasts", c.Lasts.Round(time.Millisecond)))
	return httpapi.Clip{File: filepath.ToSlash(c.File), Seconds: c.Lasts.Seconds(), Bytes: c.Bytes}, nil
}

// recorder is the state of a stream's recorder; the zero value if there is none.
func (d *desk) recorder(stream string) output.Status {
	for _, o := range d.outputs.Snapshot() {
		if o.Kind == kindRecord && o.Stream == stream {
			return o
		}
	}
	return output.Status{}
}

// Serve raises alarms, and sees to it that an order ends with its session, until ctx is cancelled.
func (d *desk) Serve(ctx context.Context) error {
	look, alarm, parked := time.NewTicker(orderEvery), time.NewTicker(alarmEvery), time.NewTicker(parkedEvery)
	defer look.Stop()
	defer alarm.Stop()
	defer parked.Stop()
	var were map[string]bool
	for {
		select {
		case <-look.C:
			were = d.expire(were)
		case <-alarm.C:
			d.raise()
		case <-parked.C:
			d.parked()
		case <-ctx.Done():
			return nil
		}
	}
}

// expire has the streams planned anew whose orders were in force and are not any more. It returns those that are.
func (d *desk) expire(were map[string]bool) (now map[string]bool) {
	now = map[string]bool{}
	ended := false
	for _, s := range d.cfg.Streams {
		_, now[s.Name] = d.order(s.Name)
		ended = ended || were[s.Name] && !now[s.Name]
	}
	if ended {
		d.replan()
	}
	return now
}

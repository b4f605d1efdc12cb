package main

import (
	"maps"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/restreamd/restreamd/relay/httpapi"
	"github.com/restreamd/restreamd/relay/output"
)

// alarms are those that are on, by the output they concern.
type alarms map[output.ID]httpapi.Alarm

// raise looks which alarms are on. One is logged when it begins and when it is over.
func (d *desk) raise() {
	next := alarms{}
	for _, o := range d.outputs.Snapshot() {
		if alarming(o) {
			next[o.ID] = httpapi.Alarm{Stream: o.Stream, Kind: o.Kind, Name: o.Name, Text: o.Reason, Since: time.Now().UTC()}
		}
	}
	d.mu.Lock()
	before := d.alarms
	for id, a := range next {
		if old, on := before[id]; on {
			a.Since = old.Since
			next[id] = a
		}
	}
	d.alarms = next
	d.mu.Unlock()
	for id, a := range next {
		if _, on := before[id]; !on {
			d.log.Error("ALARM: an output has stopped, and part of the show may be lost until this is mended", zap.String("output", id.String()), zap.String("what", a.Text))
		}
	}
	for id, a := range before {
		if _, on := next[id]; !on {
			d.log.Info("alarm is over", zap.String("output", id.String()), zap.Duration("lasted", time.Since(a.Since).Round(time.Second)))
		}
	}
}

// alarming reports whether an output's trouble costs something that does not come back: its disk does not take it, or a
// recorder fails for another reason.
func alarming(o output.Status) bool {
	switch o.State {
	case output.Off, output.Retrying, output.Starting, output.Stopping:
		return o.Class == output.Disk || o.Kind == kindRecord && o.Class != "" && o.State == output.Retrying
	}
	return false
}

// ringing lists the alarms that are on, by stream.
func (d *desk) ringing() []httpapi.Alarm {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := slices.Collect(maps.Values(d.alarms))
	slices.SortFunc(all, func(a, b httpapi.Alarm) int {
		return strings.Compare(a.Stream+"/"+a.Kind+"/"+a.Name, b.Stream+"/"+b.Kind+"/"+b.Name)
	})
	return append([]httpapi.Alarm{}, all...)
}

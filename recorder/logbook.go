package recorder

import "errors"

// logbook is a black box at work. It belongs to Serve's goroutine.
type logbook struct {
	box    *BlackBox
	logs   map[sessionID]*eventLog
	newest map[string]string // start of each stream's newest session
}

func (w *logbook) write(all []note) {
	for _, n := range all {
		l := w.find(n.sessionID)
		if n.over {
			l.over, l.unsaid = true, true
			continue
		}
		if err := l.write(n.entry); err != nil && !l.failed {
			l.failed = true
			w.box.report(l.base+eventsExtension, err)
		}
	}
}

// find returns a session's file. One that has been followed by another has begun before, whatever is still said of it.
func (w *logbook) find(id sessionID) *eventLog {
	l := w.logs[id]
	if l == nil {
		l = newEventLog(w.box.Dir, id, w.box.limit())
		l.begun = id.start < w.newest[id.stream]
		w.logs[id] = l
	}
	if id.start > w.newest[id.stream] {
		w.newest[id.stream] = id.start
	}
	return l
}

// tidy sums up what is over, and forgets the files of sessions that have been followed by another.
func (w *logbook) tidy() {
	for id, l := range w.logs {
		followed := id.start < w.newest[id.stream]
		if (l.over || followed) && l.unsaid {
			w.sumUp(l)
		}
		if followed {
			delete(w.logs, id)
		}
	}
}

func (w *logbook) sumUp(l *eventLog) {
	l.unsaid = false
	err := errors.Join(l.close(), summarizeFile(l.base))
	if err != nil {
		w.box.report(l.base+summaryExtension, err)
	}
}

func (w *logbook) close() {
	w.tidy()
	for _, l := range w.logs {
		if err := l.close(); err != nil {
			w.box.report(l.base+eventsExtension, err)
		}
	}
}

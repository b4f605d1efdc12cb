package httpapi

import (
	"io"
	"net/http"
	"time"
)

const (
	// writePatience is how long a peer may take for piece bytes: below some 17 kB/s it is sent away, so that whoever
	// does not read keeps no connection.
	writePatience = 30 * time.Second
	piece         = 512 << 10
)

// patient gives answers of any length as long as they need while the peer reads.
func patient(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&patientWriter{w, http.NewResponseController(w)}, r)
	})
}

// patientWriter renews the deadline with every piece.
type patientWriter struct {
	http.ResponseWriter
	control *http.ResponseController
}

// Unwrap is for http.ResponseController.
func (p *patientWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }

func (p *patientWriter) Write(b []byte) (written int, err error) {
	for first := true; first || len(b) > 0; first = false {
		p.renew()
		n, err := p.ResponseWriter.Write(b[:min(len(b), piece)])
		written += n
		if err != nil {
			return written, err
		}
		b = b[n:]
	}
	return written, nil
}

// ReadFrom leaves the kernel to send a file: net/http does so for an *os.File behind one limit, not behind two.
func (p *patientWriter) ReadFrom(src io.Reader) (written int64, err error) {
	limited, ok := src.(*io.LimitedReader)
	if !ok {
		limited = &io.LimitedReader{R: src, N: 1<<63 - 1}
	}
	for limited.N > 0 {
		p.renew()
		most := min(limited.N, piece)
		n, err := io.Copy(p.ResponseWriter, &io.LimitedReader{R: limited.R, N: most})
		written += n
		limited.N -= n
		if err != nil || n < most {
			return written, err
		}
	}
	return written, nil
}

func (p *patientWriter) renew() {
	_ = p.control.SetWriteDeadline(time.Now().Add(writePatience)) // what cannot have one needs none
}

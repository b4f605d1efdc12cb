package main

import (
	"io"
	"os"
	"sync/atomic"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/restreamd/restreamd/relay/secret"
)

// maskedLog is the last gate before a log line leaves: whatever secret got into one is masked. Who logs shall not rely
// on it.
type maskedLog struct {
	to     io.Writer
	redact atomic.Pointer[secret.Redactor]
}

// know takes the place of what was masked before.
func (m *maskedLog) know(r *secret.Redactor) { m.redact.Store(r) }

// hide masks secrets in a text that goes elsewhere than into the log.
func (m *maskedLog) hide(s string) string { return m.redact.Load().Redact(s) }

func (m *maskedLog) Write(p []byte) (int, error) {
	if _, err := io.WriteString(m.to, m.redact.Load().Redact(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// newLogger writes lines for people to a terminal, and JSON to anything else.
func newLogger(out *maskedLog, terminal, debug bool) *zap.Logger {
	level := zapcore.InfoLevel
	if debug {
		level = zapcore.DebugLevel
	}
	enc := zap.NewProductionEncoderConfig()
	enc.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	enc.EncodeDuration = zapcore.StringDurationEncoder
	encoder := zapcore.NewJSONEncoder(enc)
	if terminal {
		enc.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05")
		enc.EncodeLevel = zapcore.CapitalColorLevelEncoder
		encoder = zapcore.NewConsoleEncoder(enc)
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(out)), level))
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

package secret_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.yaml.in/yaml/v3"

	"github.com/restreamd/restreamd/relay/secret"
)

const text = "live_8Kq-top.secret"

// holder keeps secrets where fmt can call methods and where it cannot.
type holder struct {
	Key    secret.String
	Ptr    *secret.String
	hidden secret.String
	inside struct{ deep secret.String }
	list   []secret.String
}

func newHolder() holder {
	s := secret.New(text)
	h := holder{Key: s, Ptr: &s, hidden: s, list: []secret.String{s}}
	h.inside.deep = s
	return h
}

// assertHidden fails when out shows the text, plainly or in hexadecimal.
func assertHidden(t *testing.T, how, out string) {
	t.Helper()
	for _, form := range []string{text, fmt.Sprintf("%x", text), fmt.Sprintf("%X", text), fmt.Sprintf("%v", []byte(text))} {
		if strings.Contains(out, form) {
			t.Errorf("%s shows the secret: %s", how, out)
		}
	}
}

func TestEveryVerbHides(t *testing.T) {
	s := secret.New(text)
	h := newHolder()
	values := map[string]any{
		"value": s, "pointer": &s, "struct": h, "struct pointer": &h,
		"slice": []secret.String{s}, "map": map[string]secret.String{"k": s},
		"error": errors.Join(fmt.Errorf("push to %v", s)),
	}
	for name, value := range values {
		for _, flags := range []string{"", "+", "#", "-", " ", "0", "200", ".500", "+#"} {
			for verb := rune('A'); verb <= 'z'; verb++ {
				format := "%" + flags + string(verb)
				assertHidden(t, name+" "+format, fmt.Sprintf(format, value))
			}
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		if got := fmt.Sprintf(verb, s); got != secret.Mask {
			t.Errorf("%s printed %q", verb, got)
		}
	}
}

func TestEncodersHide(t *testing.T) {
	h := newHolder()
	fromJSON, err := json.Marshal(map[string]any{"holder": h, "ptr": h.Ptr})
	if err != nil {
		t.Fatal(err)
	}
	fromYAML, err := yaml.Marshal(map[string]any{"key": h.Key, "ptr": h.Ptr, "list": h.list})
	if err != nil {
		t.Fatal(err)
	}
	for how, out := range map[string][]byte{"json": fromJSON, "yaml": fromYAML} {
		assertHidden(t, how, string(out))
		if !bytes.Contains(out, []byte(secret.Mask)) {
			t.Errorf("%s shows no mask: %s", how, out)
		}
	}
	var asKey map[string]int
	out, err := json.Marshal(map[secret.String]int{h.Key: 1})
	if err != nil || json.Unmarshal(out, &asKey) != nil || asKey[secret.Mask] != 1 {
		t.Errorf("a secret as a key of JSON: %s, %v", out, err)
	}
}

func TestLoggersHide(t *testing.T) {
	h := newHolder()
	var out bytes.Buffer
	for _, encoder := range []zapcore.Encoder{
		zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()),
		zapcore.NewConsoleEncoder(zap.NewDevelopmentEncoderConfig()),
	} {
		log := zap.New(zapcore.NewCore(encoder, zapcore.AddSync(&out), zapcore.DebugLevel))
		log.Info("zap", zap.Any("any", h.Key), zap.Stringer("stringer", h.Key), zap.Reflect("reflect", h),
			zap.Any("list", h.list), zap.Error(fmt.Errorf("push: %v", h)))
		log.Sugar().Infof("%v %+v", h, h.Ptr)
		log.Sugar().Infow("sugar", "key", h.Key)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("slog", "key", h.Key, "holder", h)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("slog", "key", h.Key, "holder", h)

	assertHidden(t, "log", out.String())
	if got := strings.Count(out.String(), "zap"); got < 2 {
		t.Fatalf("the loggers wrote %d lines", got)
	}
}

func TestDecode(t *testing.T) {
	var fromYAML, fromJSON struct{ Key secret.String }
	// 0123 must arrive as written, not as a number.
	if err := yaml.Unmarshal([]byte("key: 0123\n"), &fromYAML); err != nil || fromYAML.Key.Reveal() != "0123" {
		t.Errorf("yaml: %q, %v", fromYAML.Key.Reveal(), err)
	}
	if err := json.Unmarshal([]byte(`{"Key":"0123"}`), &fromJSON); err != nil || fromJSON.Key.Reveal() != "0123" {
		t.Errorf("json: %q, %v", fromJSON.Key.Reveal(), err)
	}
}

func TestEqualAndZero(t *testing.T) {
	var zero secret.String
	if !zero.IsZero() || !secret.New("").IsZero() || secret.New("a").IsZero() {
		t.Error("IsZero is wrong")
	}
	if !secret.New("a").Equal(secret.New("a")) || secret.New("a").Equal(secret.New("b")) || !zero.Equal(secret.New("")) {
		t.Error("Equal is wrong")
	}
	if secret.New("a").Digest() != sha256.Sum256([]byte("a")) || secret.New("a").Digest() == zero.Digest() {
		t.Error("Digest is wrong")
	}
}

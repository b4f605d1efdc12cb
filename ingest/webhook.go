package ingest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Reasons for which a publish that the webhook decides on is refused.
var (
	ErrWebhookNo   = &Cause{"webhook_refused", "the webhook refused it"}
	ErrWebhookDown = &Cause{"webhook_failed", "the webhook did not answer: see auth.webhook in restreamd.yml"}
)

const (
	webhookTimeout = 5 * time.Second
	webhookReads   = 4 << 10 // bytes of its answer, which means nothing
)

// Webhook is an Authorizer that asks a program of yours, by the form that nginx-rtmp posts for on_publish and on_play:
// call, name (the key), app, addr, tcurl, flashver, swfurl and pageurl (empty: no encoder has them), clientid (the peer's
// port), type and the key's query. An answer of 2xx grants; everything else, no answer included, refuses.
//
// The stream is the one of the app; of several with the same app the one whose name was presented as the key.
type Webhook struct {
	URL     string
	Streams []Stream
	Client  *http.Client // default: one with a time-out of 5 s that follows no redirect
}

// Authorize asks the program.
func (h *Webhook) Authorize(ctx context.Context, r Request) (Grant, error) {
	stream, found := h.stream(r)
	if !found {
		return Grant{}, ErrUnknownKey
	}
	ctx, cancel := context.WithTimeout(ctx, webhookTimeout)
	defer cancel()
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, strings.NewReader(h.form(r).Encode()))
	if err != nil {
		return Grant{}, fmt.Errorf("%w (its URL is not valid)", ErrWebhookDown)
	}
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := h.client().Do(post)
	if err != nil {
		return Grant{}, ErrWebhookDown // the error quotes the URL, which may hold a secret of its own
	}
	defer answer.Body.Close() //nolint:errcheck // nothing is left to lose
	_, _ = io.CopyN(io.Discard, answer.Body, webhookReads)
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return Grant{}, fmt.Errorf("%w (%d)", ErrWebhookNo, answer.StatusCode)
	}
	return Grant{Stream: stream, Key: "webhook", Holder: holder(r.Key)}, nil
}

func (h *Webhook) stream(r Request) (name string, found bool) {
	var of []string
	for _, s := range h.Streams {
		if s.App == r.App {
			of = append(of, s.Name)
		}
	}
	if len(of) == 1 {
		return of[0], true
	}
	name = r.Key.Reveal()
	return name, slices.Contains(of, name)
}

// form is nginx-rtmp's. What the key's query says comes last and overrides nothing.
func (h *Webhook) form(r Request) url.Values {
	form := url.Values{
		"call": {string(r.Action)}, "name": {r.Key.Reveal()}, "app": {r.App}, "addr": {r.Remote.Addr().String()},
		"tcurl": {r.TCURL.Reveal()}, "flashver": {r.Agent}, "swfurl": {""}, "pageurl": {""},
		"clientid": {strconv.Itoa(int(r.Remote.Port()))},
	}
	if r.Action == Publish {
		form.Set("type", "live")
	}
	query, err := url.ParseQuery(r.Query.Reveal())
	if err != nil {
		return form
	}
	for k, v := range query {
		if !form.Has(k) {
			form[k] = v
		}
	}
	return form
}

func (h *Webhook) client() *http.Client {
	if h.Client != nil {
		return h.Client
	}
	return &http.Client{
		Timeout:       webhookTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

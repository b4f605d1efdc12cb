package main_test

import (
	"crypto/tls"
	"fmt"
	"math/big"
	"net"
	"testing"
	"time"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

func withRTMPS(c rt.Certificate) rt.RelayOption {
	return rt.ExtraConfig(fmt.Sprintf("rtmps: {listen: \"127.0.0.1:0\", cert: %q, key: %q}", c.CertFile, c.KeyFile))
}

// shownSerial is the serial number of the certificate that a new handshake is shown, if it is one of c's authority.
func shownSerial(r *rt.Relay, c rt.Certificate) (*big.Int, error) {
	dialer := &net.Dialer{Timeout: soon}
	conn, err := tls.DialWithDialer(dialer, "tcp", r.RTMPS, &tls.Config{RootCAs: c.Pool, ServerName: "127.0.0.1"})
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber, nil
}

// A certificate is renewed in mid-show: the show goes on, and whoever comes next is shown the new one.
func TestRTMPSCertificateIsRenewedInMidShow(t *testing.T) {
	t.Parallel()
	media := rt.Media(t)
	sink := rt.NewSink(t)
	dir := t.TempDir()
	old := rt.PutCertificate(t, dir)
	r := rt.StartRelay(t, withRTMPS(old), rt.Destination("sink", destination(sink, "k")))
	if r.RTMPS == "" || r.RTMPS == r.RTMP {
		t.Fatalf("run.json says RTMPS is at %q", r.RTMPS)
	}
	if got, err := shownSerial(r, old); err != nil || got.Cmp(old.Serial) != 0 {
		t.Fatalf("the first certificate has number %v (%v), want %v", got, err, old.Serial)
	}
	secure := "rtmps://" + r.RTMPS + "/live/" + r.Key
	pub := rt.Publish(t, secure, media)
	awaitVideo(t, sink, 30)
	awaitLog(t, r, "publisher accepted", `"tls":"TLS 1.`)

	renewed := rt.PutCertificate(t, dir)
	written := time.Now()
	rt.Eventually(t, soon, "the new certificate to be shown", func() bool {
		got, err := shownSerial(r, renewed)
		return err == nil && got.Cmp(renewed.Serial) == 0
	})
	if got := publisherKey(t, r); got != "studio" {
		t.Errorf("on air is %q while the new certificate is shown, want who was", got)
	}
	t.Logf("shown %v after it was written", time.Since(written).Round(time.Millisecond))
	if code := pub.Wait(); code != 0 {
		t.Errorf("the encoder that was on air ended with %d", code)
	}
	sameHashes(t, "delivered", awaitGoodbye(t, sink).VideoHashes(), rt.VideoHashes(t, media))
	sameHashes(t, "recorded", rt.VideoHashes(t, awaitFinished(t, r)), rt.VideoHashes(t, media))
	again := rt.Publish(t, secure, media)
	sink.Wait(t, patient, func(all []rt.Session) bool { return len(all) == 2 && len(all[1].VideoHashes()) > 0 })
	again.Stop()
}

// Who mixes up the ports finds the sentence in the log.
func TestSchemesMixedUp(t *testing.T) {
	t.Parallel()
	r := rt.StartRelay(t, rt.StreamConfig(quiet), withRTMPS(rt.PutCertificate(t, t.TempDir())))
	if _, err := rt.Dial(t, "rtmp://"+r.RTMPS+"/live/"+r.Key); err == nil {
		t.Error("plain RTMP was taken on the RTMPS port")
	}
	awaitLog(t, r, "the encoder used rtmp:// on the RTMPS port", `"code":"rtmp_on_tls"`)
	if conn, err := tls.Dial("tcp", r.RTMP, &tls.Config{InsecureSkipVerify: true}); err == nil {
		conn.Close()
		t.Error("TLS was spoken on the RTMP port")
	}
	awaitLog(t, r, "the encoder used rtmps:// on the RTMP port", `"code":"tls_on_rtmp"`)
}

// RTMP that others can reach without RTMPS beside it is worth a warning, and nothing else is.
func TestWarnsOfPlainRTMP(t *testing.T) {
	t.Parallel()
	const warning = "stream keys can be read on the way"
	secure := withRTMPS(rt.PutCertificate(t, t.TempDir()))
	everywhere := rt.Listen("0.0.0.0:0")
	for name, tc := range map[string]struct {
		opts []rt.RelayOption
		warn bool
	}{
		"everywhere":            {[]rt.RelayOption{everywhere}, true},
		"everywhere, and RTMPS": {[]rt.RelayOption{everywhere, secure}, false},
		"this machine":          {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rt.StartRelay(t, append(tc.opts, rt.StreamConfig(quiet))...)
			r.Stop(t)
			if got := contains(r.Log(), warning); got != tc.warn {
				t.Errorf("warned: %t, want %t", got, tc.warn)
			}
		})
	}
}

package main_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

const forbidden = "canary-that-nobody-may-read"

// trap is a relay that has packaged a show, and files that nobody may read wherever one could be led to them.
type trap struct {
	*rt.Relay
	session, segment string // of the show, in data/hls/main
	size             int    // of the segment
	needles          [][]byte
}

func setTrap(t *testing.T) trap {
	t.Helper()
	r := rt.StartRelay(t, rt.File("canary", forbidden), rt.StreamConfig("hls: {segment: 1s}"))
	if code := rt.Publish(t, r.PublishURL(), rt.Media(t, rt.Duration(4*time.Second))).Wait(); code != 0 {
		t.Fatalf("the encoder ended with %d", code)
	}
	var segments []string
	rt.Eventually(t, patient, "segments of a show that is over", func() bool {
		segments, _ = filepath.Glob(filepath.Join(r.Data, "hls", "main", "*", "*.ts"))
		return len(segments) > 0 && strings.Contains(r.Log(), "recording finished")
	})
	data := read(t, segments[0])
	tr := trap{Relay: r, session: filepath.Dir(segments[0]), segment: filepath.Base(segments[0]), size: len(data)}
	admin := bytes.TrimSpace(read(t, filepath.Join(r.Data, "admin.token")))
	tr.needles = [][]byte{[]byte(forbidden), []byte(r.Key), admin, []byte("root:x:0:0"), []byte("destinations.d")}
	stamp, _, _ := strings.Cut(tr.segment, "-")
	for _, folder := range []string{tr.session, filepath.Join(r.Data, "hls"), filepath.Join(r.Data, "recordings", "main"), filepath.Join(r.Data, "recordings")} {
		for _, name := range []string{".hidden", "canary", "x.tmp", tr.segment + ".tmp", ".ts", "index.m3u8.tmp", "main.flv"} {
			put(t, filepath.Join(folder, name))
		}
		link(t, filepath.Join(r.Dir, "canary"), filepath.Join(folder, stamp+"-9-9.ts"))
		link(t, "../../../../canary", filepath.Join(folder, stamp+"-9-8.ts"))
		link(t, r.Dir, filepath.Join(folder, "out"))
		link(t, "/", filepath.Join(folder, "root"))
	}
	return tr
}

func put(t *testing.T, name string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(forbidden), 0o644); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, to, name string) {
	t.Helper()
	if err := os.Symlink(to, name); err != nil {
		t.Fatal(err)
	}
}

// hostilePaths are ways out of the folder that somebody has found to work somewhere.
func (tr trap) hostilePaths() []string {
	stamp, _, _ := strings.Cut(tr.segment, "-")
	ups := []string{
		"../", "..%2f", "%2e%2e/", "%2e%2e%2f", ".%2e/", "%2e./", "%252e%252e%252f", "%252e%252e/", "..%5c", "..\\", "%5c..%5c", "....//",
		"..;/", "..%00/", "%00../", "%c0%ae%c0%ae/", "%c0%ae%c0%ae%c0%af", "%e0%80%ae%e0%80%ae%c0%af", "..%c0%af", "..%u2215", "%uff0e%uff0e%2f", "..%09/", "..%20/",
	}
	var paths []string
	for _, from := range []string{"/", "/hls/", "/hls/main/", "/flv/", "/watch/", "/static/", "/api/v1/streams/"} {
		for _, up := range ups {
			paths = append(paths, from+strings.Repeat(up, 4)+"canary", from+strings.Repeat(up, 9)+"etc/passwd")
		}
	}
	for _, name := range []string{
		".hidden", "canary", "x.tmp", tr.segment + ".tmp", ".ts", "index.m3u8.tmp", stamp + "-9-9.ts", stamp + "-9-8.ts", "out", "out/canary", "root", "root/etc/passwd",
		stamp, stamp + "/" + tr.segment, stamp + "/", "", ".", "..", "%2e", "%00", tr.segment + "%00", tr.segment + "%00.m3u8", tr.segment + "%0a", tr.segment + "/", tr.segment + "%20",
		tr.segment + "::$DATA", "C:%5cwindows%5cwin.ini", "index.m3u8%00.ts", "index.m3u8/", "INDEX.M3U8", "%69ndex.m3u8%2f", "index.m3u8;.ts", strings.Repeat("a", 8000), strings.Repeat("../", 3000),
	} {
		paths = append(paths, "/hls/main/"+name, "/hls/"+name+"/index.m3u8", "/flv/"+name+".flv", "/recordings/main/"+name)
	}
	for _, stream := range []string{"out", "root", "..", ".", "main%2f..", "main%00", "recordings", "../recordings/main", "main@..", "main@..%2f..", "@", "main%0d%0aX-Evil:%201"} {
		paths = append(paths, "/hls/"+stream+"/index.m3u8", "/hls/"+stream+"/"+tr.segment, "/watch/"+stream, "/flv/"+stream+".flv", "/api/v1/streams/"+stream+"/thumbnail.jpg")
	}
	return append(paths, "http://evil.example/hls/main/index.m3u8", "file:///etc/passwd", "http://localhost/../../canary", "//etc/passwd", "///canary", "/%2fetc%2fpasswd",
		"/hls//etc/passwd", "/hls/main//etc/passwd", "/data/stream.key", "/.git/config", "/restreamd.yml", "/debug/pprof/", "*", "/?../canary", "/#/../canary")
}

// exchange writes bytes to a new connection and returns what comes until the relay closes it.
func (tr trap) exchange(t *testing.T, request string) []byte {
	t.Helper()
	c, err := net.DialTimeout("tcp", tr.HTTP, patient)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patient)); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, request) // one that is refused may be cut off
	answer, err := io.ReadAll(io.LimitReader(c, 64<<20))
	if ne, ok := err.(net.Error); ok && ne.Timeout() { //nolint:errorlint // of our own socket
		t.Errorf("%.80q: no end within %v", request, patient)
	}
	return answer
}

// look checks an answer: in HTTP, no fault of the relay's, and nothing that is not for strangers.
func (tr trap) look(t *testing.T, request string, answer []byte) *http.Response {
	t.Helper()
	for _, needle := range tr.needles {
		if bytes.Contains(answer, needle) {
			t.Errorf("%.120q gives away %q", request, needle)
		}
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), nil)
	if err != nil {
		t.Errorf("%.120q is answered with %.80q: %v", request, answer, err)
		return nil
	}
	if resp.StatusCode >= 500 {
		t.Errorf("%.120q is answered with %s", request, resp.Status)
	}
	if resp.Header.Get("X-Evil") != "" {
		t.Errorf("%.120q writes headers of its own", request)
	}
	return resp
}

// No path, however it is written, leads out of the folder of segments.
func TestHostilePaths(t *testing.T) {
	t.Parallel()
	tr := setTrap(t)
	paths := tr.hostilePaths()
	if len(paths) < 300 {
		t.Fatalf("only %d paths", len(paths))
	}
	for _, path := range paths {
		for _, method := range []string{"GET", "HEAD"} {
			request := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", method, path)
			tr.look(t, request, tr.exchange(t, request))
		}
	}
	for _, request := range []string{
		"GET /\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "\x00\x01\x02\x03\r\n\r\n",
		"GET /hls/main/\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /hls/main/\\..\\ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", "GET /" + strings.Repeat("x", 64<<10) + " HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: localhost\r\n" + strings.Repeat("A: b\r\n", 20_000) + "\r\n", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
		"TRACE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "PUT /hls/main/x.ts HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
		"DELETE /hls/main/index.m3u8 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
	} {
		tr.look(t, request, tr.exchange(t, request))
	}
	if code, _ := tr.Get(t, "/hls/main/"+tr.segment); code != http.StatusOK {
		t.Errorf("the segment itself: %d", code)
	}
	t.Logf("%d paths", len(paths))
}

// Whatever part of a segment is asked for, the answer is of the segment and not much longer than it.
func TestHostileRanges(t *testing.T) {
	t.Parallel()
	tr := setTrap(t)
	whole := read(t, filepath.Join(tr.session, tr.segment))
	var overlapping, tiny strings.Builder
	for i := range 1300 {
		fmt.Fprintf(&overlapping, ",0-%d", tr.size-1-i)
		fmt.Fprintf(&tiny, ",%d-%d", 2*i, 2*i)
	}
	for name, value := range map[string]string{
		"one": "bytes=0-99", "the end": "bytes=-100", "all": "bytes=0-", "a byte": "bytes=0-0", "more than there is": "bytes=0-99999999999", "a huge number": "bytes=99999999999999999999999999-",
		"behind the end": fmt.Sprintf("bytes=%d-", tr.size), "negative": "bytes=-1-5", "two signs": "bytes=--5", "backwards": "bytes=9-1", "minus nothing": "bytes=-0", "minus too much": "bytes=-99999999999", "no number": "bytes=a-b",
		"another unit": "lines=0-1", "nothing": "bytes=", "a dash": "bytes=-", "commas": "bytes=,,,,", "spaces": "bytes= 0 - 1 ", "the largest": "bytes=0-9223372036854775807", "past the largest": "bytes=9223372036854775808-",
		"overlapping": "bytes=0-" + overlapping.String(), "tiny": "bytes=1-1" + tiny.String(), "two": "bytes=0-9,50-59", "the same": "bytes=0-9,0-9,0-9",
	} {
		for _, path := range []string{"/hls/main/" + tr.segment, "/hls/main/index.m3u8", "/static/watch.js", "/flv/main.flv"} {
			request := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nRange: %s\r\n\r\n", path, value)
			answer := tr.exchange(t, request)
			resp := tr.look(t, request, answer)
			if resp == nil || !strings.HasSuffix(path, ".ts") {
				continue
			}
			if most := 2*tr.size + 300<<10; len(answer) > most { // each of many parts has a header
				t.Errorf("%s: %d bytes of a segment that has %d", name, len(answer), tr.size)
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			single := resp.StatusCode == 206 && !strings.HasPrefix(resp.Header.Get("Content-Type"), "multipart/")
			if (resp.StatusCode == 200 && !bytes.Equal(body, whole)) || (single && !bytes.Contains(whole, body)) {
				t.Errorf("%s: %s with bytes that are not the segment's", name, resp.Status)
			}
		}
	}
}

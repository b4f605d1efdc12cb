// Command demo is a show in small, on this machine only: an encoder, the relay, and two stand-in platforms.
//
//	go run ./scripts/demo bin/restreamd
//
// It runs for DEMO_SECONDS (default 20) or until Ctrl-C, then tells what was recorded and what each platform
// received, and exits with 1 if that is not the same, packet by packet.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/restreamd/restreamd/relay/relaytest"
)

const (
	startDeadline  = 15 * time.Second
	finishDeadline = 30 * time.Second // to write the recording's end, and to stop
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return errors.New("usage: demo path/to/restreamd")
	}
	length, err := showLength()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	stage, err := openStage()
	if err != nil {
		return err
	}
	defer stage.close()

	relay, err := startProgram(filepath.Join(stage.dir, "relay.log"), os.Args[1], "serve",
		"--config", stage.path("restreamd.yml"), "--destinations", stage.path("destinations.d"), "--data", stage.path("data"))
	if err != nil {
		return err
	}
	defer relay.kill()
	address, err := stage.awaitRelay(relay)
	if err != nil {
		return err
	}

	encoder, err := startEncoder(stage.path("encoder.log"), address.publishURL())
	if err != nil {
		return err
	}
	defer encoder.kill()
	address.print(length, stage)

	show, endShow := context.WithTimeout(ctx, length)
	defer endShow()
	select {
	case <-show.Done():
	case <-encoder.exited:
		return fmt.Errorf("the encoder ended early, see %s", stage.keep("encoder.log"))
	case <-relay.exited:
		return fmt.Errorf("the relay ended early, see %s", stage.keep("relay.log"))
	}
	return stage.finish(encoder, relay)
}

// showLength reads DEMO_SECONDS.
func showLength() (time.Duration, error) {
	text := os.Getenv("DEMO_SECONDS")
	if text == "" {
		return 20 * time.Second, nil
	}
	seconds, err := strconv.Atoi(text)
	if err != nil || seconds <= 0 {
		return 0, fmt.Errorf("DEMO_SECONDS=%q is not a number of seconds above 0", text)
	}
	return time.Duration(seconds) * time.Second, nil
}

// address is where the relay turned out to listen, and the stream key it made for itself.
type address struct {
	RTMP string `json:"rtmp"`
	HTTP string `json:"http"`
	key  string
}

func (a address) publishURL() string { return "rtmp://" + a.RTMP + "/live/" + a.key }

func (a address) print(length time.Duration, stage *stage) {
	fmt.Printf("On air for %v (Ctrl-C ends it earlier).\n\n", length)
	fmt.Printf("  dashboard   http://%s/\n", a.HTTP)
	fmt.Printf("  player      http://%s/watch/main\n", a.HTTP)
	fmt.Printf("  HLS         http://%s/hls/main/index.m3u8\n", a.HTTP)
	for _, p := range stage.platforms {
		fmt.Printf("  %-11s %s\n", p.name, p.sink.URL())
	}
	fmt.Println()
}

// awaitRelay waits for run.json, which the relay writes once it listens.
func (s *stage) awaitRelay(relay *program) (address, error) {
	var a address
	err := await(startDeadline, func() bool {
		data, err := os.ReadFile(s.path("data/state/run.json"))
		return relay.hasExited() || err == nil && json.Unmarshal(data, &a) == nil
	})
	if err != nil || relay.hasExited() {
		return a, fmt.Errorf("the relay did not start, see %s", s.keep("relay.log"))
	}
	key, err := os.ReadFile(s.path("data/stream.key"))
	if err != nil {
		return a, fmt.Errorf("read the stream key the relay made: %w", err)
	}
	a.key = strings.TrimSpace(string(key))
	return a, nil
}

// finish ends the show from the front: the encoder says goodbye, the relay's children finish what they have, and
// only then is the relay asked to stop.
func (s *stage) finish(encoder, relay *program) error {
	fmt.Println("The encoder stops.")
	encoder.signal(os.Interrupt)
	err := await(finishDeadline, func() bool {
		return encoder.hasExited() && len(relaytest.Children(relay.pid())) == 0
	})
	if err != nil {
		return fmt.Errorf("outputs of the relay did not finish, see %s", s.keep("relay.log"))
	}
	relay.signal(syscall.SIGTERM)
	if err := await(finishDeadline, relay.hasExited); err != nil {
		return fmt.Errorf("the relay did not stop, see %s", s.keep("relay.log"))
	}
	// What the relay sent last may still lie in the sockets.
	if err := await(finishDeadline, s.everybodyLeft); err != nil {
		return fmt.Errorf("connections to a platform outlived the relay, see %s", s.keep("relay.log"))
	}
	return s.report()
}

func await(deadline time.Duration, cond func() bool) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	timeout := time.After(deadline)
	for !cond() {
		select {
		case <-ticker.C:
		case <-timeout:
			return fmt.Errorf("waited %v in vain", deadline)
		}
	}
	return nil
}

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// program is a child of the demo that writes its output to a log file.
type program struct {
	cmd    *exec.Cmd
	exited chan struct{}
}

// startProgram puts the child into a process group of its own, so that Ctrl-C reaches it only through the demo,
// which ends the show in order.
func startProgram(log, name string, args ...string) (*program, error) {
	file, err := os.Create(log)
	if err != nil {
		return nil, fmt.Errorf("create log: %w", err)
	}
	defer file.Close() // the child has its own
	p := &program{cmd: exec.Command(name, args...), exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = file, file
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(name), err)
	}
	go func() {
		defer close(p.exited)
		// How it ended is in its log.
		_ = p.cmd.Wait()
	}()
	return p, nil
}

func (p *program) pid() int { return p.cmd.Process.Pid }

func (p *program) hasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

func (p *program) signal(sig os.Signal) {
	// It fails only when the program is gone, which is what every signal here asks for.
	_ = p.cmd.Process.Signal(sig)
}

func (p *program) kill() {
	p.signal(os.Kill)
	<-p.exited
}

// startEncoder publishes a moving picture with the time of day in it, and a tone of 1 kHz.
func startEncoder(log, url string) (*program, error) {
	return startProgram(log, "ffmpeg", "-hide_banner", "-nostdin", "-nostats",
		"-re", "-f", "lavfi", "-i", picture(),
		"-re", "-f", "lavfi", "-i", "sine=frequency=1000:sample_rate=48000",
		"-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-bf", "2",
		"-b:v", "2500k", "-maxrate", "2500k", "-bufsize", "2500k", "-g", "60", "-keyint_min", "60", "-sc_threshold", "0",
		"-c:a", "aac", "-b:a", "128k", "-ac", "2", "-f", "flv", url)
}

// picture falls back on the test picture's own timer where this ffmpeg has no text filter, or finds no font.
func picture() string {
	const plain = "testsrc2=size=1280x720:rate=30"
	clock := plain + ",drawtext=text='%{localtime\\:%X}':x=(w-tw)/2:y=h-2*th:fontsize=96:fontcolor=white:box=1:boxcolor=black@0.6"
	out, err := exec.Command("ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i", clock,
		"-frames:v", "1", "-f", "null", "-").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "" {
		return plain
	}
	return clock
}

package recorder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"
)

// hashFile returns the SHA-256 of a file. It reads on a thread that gives way to all others: an hour's recording takes
// seconds of a core, which the live path must not miss.
func hashFile(ctx context.Context, name string) (digest string, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with the goroutine, and its priority with it
		_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, lowest)
		digest, err = digestOf(ctx, name)
	}()
	<-done
	return digest, err
}

// lowest is how nice a thread can be.
const lowest = 19

func digestOf(ctx context.Context, name string) (digest string, err error) {
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("hash the finished file: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	sum := sha256.New()
	buffer := make([]byte, 1<<20)
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := f.Read(buffer)
		sum.Write(buffer[:n])
		switch {
		case errors.Is(err, io.EOF):
			return hex.EncodeToString(sum.Sum(nil)), nil
		case err != nil:
			return "", fmt.Errorf("hash the finished file: %w", err)
		}
	}
}

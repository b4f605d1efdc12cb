package relaytest

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
)

const relayPackage = "github.com/restreamd/restreamd/cmd/restreamd"

// relayBinary builds the relay with the race detector, once in this process, and returns its path.
//
// The path is the same for every test binary of a checkout: go build leaves an up-to-date file alone, so only the
// first of them pays for the linking. It replaces an outdated one by renaming, which running relays do not notice.
var relayBinary = sync.OnceValues(func() (string, error) {
	return buildRelay("restreamd", "-race")
})

// shippedBinary builds the relay without the race detector.
var shippedBinary = sync.OnceValues(func() (string, error) {
	return buildRelay("restreamd-shipped", "-trimpath")
})

// buildRelay builds the relay under a name of its own for each set of flags.
func buildRelay(name string, flags ...string) (string, error) {
	module, err := exec.Command("go", "list", "-f", "{{.Dir}}", relayPackage).Output()
	if err != nil {
		return "", fmt.Errorf("find %s (is go in the PATH?): %w", relayPackage, err)
	}
	sum := md5.Sum(module)
	folder := filepath.Join(cacheFolder(), hex.EncodeToString(sum[:4]))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("make build folder: %w", err)
	}
	lock, err := os.Create(filepath.Join(folder, "lock"))
	if err != nil {
		return "", fmt.Errorf("open build lock: %w", err)
	}
	defer lock.Close() // which unlocks
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("take build lock: %w", err)
	}
	path := filepath.Join(folder, name)
	// Without -buildvcs=false a checkout that belongs to another user does not build: git refuses to look at it.
	args := slices.Concat([]string{"build", "-buildvcs=false", "-o", path}, flags, []string{relayPackage})
	out, err := exec.Command("go", args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the relay: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return path, nil
}

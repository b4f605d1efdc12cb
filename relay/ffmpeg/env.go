package ffmpeg

import "os"

// Env is the environment for children: what programs need to run, and extra. The rest of this process's environment
// may hold the operator's secrets and stays here.
func Env(extra ...string) []string {
	env := []string{"LANG=C"} // Classify knows the C library's messages in English
	// LD_LIBRARY_PATH is how an ffmpeg outside the system's folders finds its own libraries.
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH"} {
		if value := os.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return append(env, extra...)
}

package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// writeState writes a file of the relay's state for its owner alone, all of it or nothing.
func writeState(path string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	tmp := path + ".tmp"
	_ = os.Remove(tmp) // one that was left could be open to others
	if err := os.WriteFile(tmp, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	return nil
}

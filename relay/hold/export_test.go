package hold

import "time"

// Defaults are the settings of a stream whose configuration says nothing.
func Defaults() Settings {
	return Settings{For: 120 * time.Second, Every: 500 * time.Millisecond, Stall: time.Second, FailBack: 10 * time.Second}
}

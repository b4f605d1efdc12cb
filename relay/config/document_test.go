package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Files made to keep the relay busy, or its log: each is as large as a file may be.
func TestDecodeDestinationRefusesBombs(t *testing.T) {
	const size = 1 << 20
	fill := func(unit string) string { return strings.Repeat(unit, size/len(unit)) }
	var keys strings.Builder
	for i := 0; keys.Len() < size-10; i++ {
		fmt.Fprintf(&keys, "k%d:\n", i)
	}
	for name, content := range map[string]string{
		"settings":     keys.String(),
		"one setting":  fill("key:\n"),
		"anchors":      fill("- &a x\n"),
		"aliases":      "a: &a [x]\nb: [" + fill("*a,")[:size-100] + "x]\n",
		"nested lists": fill("["),
		"nested maps":  fill("{a: "),
		"nested items": fill("- "),
		"documents":    fill("---\n"),
		"streams":      "streams:\n" + fill("- x\n")[:size-100],
		"lines":        "key: |\n" + fill(" \n")[:size-100],
	} {
		began := time.Now()
		_, problem := decode(t, content)
		if took := time.Since(began); took > time.Minute { // a bomb takes for ever
			t.Errorf("%s: took %v", name, took)
		}
		if problem == "" || len(problem) > 8<<10 {
			t.Errorf("%s: an error of %d bytes", name, len(problem))
		}
	}
}

func TestDecodeDestinationReportsAFewMistakesAtOnce(t *testing.T) {
	_, problem := decode(t, strings.Repeat("k: &a x\n", 50))
	lines := strings.Split(problem, "\n")
	if len(lines) != 21 || lines[20] != "twitch.yml:21: 30 more mistakes (put these right first)" {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}

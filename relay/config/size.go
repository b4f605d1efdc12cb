package config

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"strconv"
)

var sizeForm = regexp.MustCompile(`^([0-9]{1,9}(?:\.[0-9]{1,9})?) ?(kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$`)

// parseSize reads a number of bytes with its unit, as in 16MB or 1.5GiB.
func parseSize(text string) (size int64, ok bool) {
	match := sizeForm.FindStringSubmatch(text)
	if match == nil {
		return 0, false
	}
	number, err := strconv.ParseFloat(match[1], 64)
	if err != nil {
		return 0, false
	}
	unit := map[string]float64{
		"kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
		"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
	}[match[2]]
	return int64(math.Round(number * unit)), true
}

// formatSize writes a size as parseSize reads it, in the largest unit that is not below 1.
func formatSize(size int64) string {
	unit, name := 1e3, "kB"
	switch {
	case size >= 1e12:
		unit, name = 1e12, "TB"
	case size >= 1e9:
		unit, name = 1e9, "GB"
	case size >= 1e6:
		unit, name = 1e6, "MB"
	}
	return strconv.FormatFloat(float64(size)/unit, 'f', -1, 64) + name
}

// size takes a number of bytes.
func (s *section) size(key string, value *int64, least, most int64) {
	text, found := s.scalar(key)
	if !found {
		return
	}
	n, ok := parseSize(text)
	if !ok || n < least || n > most {
		s.fail(key, "not a size in range", fmt.Sprintf("write one from %s to %s, with its unit, as in %s",
			formatSize(least), formatSize(most), formatSize(cmp.Or(*value, most))))
		return
	}
	*value = n
}

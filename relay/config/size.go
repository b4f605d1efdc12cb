package config

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
)

// Units of sizes, in bytes.
const (
	kilobyte = 1000
	megabyte = 1000 * kilobyte
	gigabyte = 1000 * megabyte
	terabyte = 1000 * gigabyte
)

var sizeForm = regexp.MustCompile(`^([0-9]{1,12}(?:\.[0-9]{1,9})?) ?([kKMGT]?)(i?)B$`)

// parseSize reads a number of bytes with its unit, as in 20GB or, in powers of 1024, 20GiB.
func parseSize(text string) (bytes int64, ok bool) {
	if text == "0" {
		return 0, true
	}
	match := sizeForm.FindStringSubmatch(text)
	if match == nil || match[2] == "" && match[3] != "" {
		return 0, false
	}
	number, err := strconv.ParseFloat(match[1], 64)
	if err != nil {
		return 0, false
	}
	power := map[string]float64{"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4}[match[2]]
	base := 1000.0
	if match[3] != "" {
		base = 1024
	}
	n := math.Round(number * math.Pow(base, power))
	return int64(n), n < math.MaxInt64
}

// formatSize writes a size as parseSize reads it, in the largest unit that is not below 1.
func formatSize(bytes int64) string {
	unit, name := int64(1), "B"
	switch {
	case bytes >= terabyte:
		unit, name = terabyte, "TB"
	case bytes >= gigabyte:
		unit, name = gigabyte, "GB"
	case bytes >= megabyte:
		unit, name = megabyte, "MB"
	case bytes >= kilobyte:
		unit, name = kilobyte, "kB"
	}
	return strconv.FormatFloat(float64(bytes)/float64(unit), 'f', -1, 64) + name
}

// size takes a number of bytes.
func (s *section) size(key string, value *int64, least, most int64) {
	text, found := s.scalar(key)
	if !found {
		return
	}
	n, ok := parseSize(text)
	if !ok || n < least || n > most {
		s.fail(key, "not a size in range", fmt.Sprintf("write one from %s to %s, with its unit, as in 20GB",
			formatSize(least), formatSize(most)))
		return
	}
	*value = n
}

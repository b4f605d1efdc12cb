package config

import "regexp"

// nearest returns the candidate that is a typing mistake or two away from word, or "".
func nearest(word string, candidates []string) string {
	best, bestDistance := "", min(2, len(word)-1)+1
	for _, candidate := range candidates {
		if d := distance(word, candidate); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// distance counts the letters to add, drop or change to make a into b (Levenshtein), a swap of two neighbours as two.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

var plainName = regexp.MustCompile(`^[a-z_-]{1,32}$`)

// showName returns the name of an unknown setting for an error. What does not look like one may be a pasted key.
func showName(name string) string {
	if plainName.MatchString(name) {
		return name
	}
	return "…"
}

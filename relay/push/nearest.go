package push

// Nearest returns the candidate that is a typing mistake or two away from word, or "". What is that near is safe to
// quote; any other word may be a key that was pasted into the wrong place.
func Nearest(word string, candidates []string) string {
	best, bestDistance := "", min(2, len(word)-1)+1
	for _, candidate := range candidates {
		if away := len(word) - len(candidate); max(away, -away) >= bestDistance {
			continue // further than what is looked for, and perhaps as long as a file
		}
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

package relaytest

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"strings"
)

// minNeedle is the length in bytes below which a secret cannot be told from ordinary text.
const minNeedle = 8

// needles are secrets to look for, in every spelling they may be printed in. A text is read once, however many there
// are: they are found by their first bytes.
type needles struct {
	byHead map[uint64][]needle // by the first minNeedle bytes
}

type needle struct {
	text  string
	whose string // where it comes from, for people
	// inEnviron: the operator put it into the relay's environment, where it may be seen.
	inEnviron bool
}

// add reports whether there is something new to look for.
func (n *needles) add(secret string, as needle) bool {
	added := n.addSpellings(secret, as)
	// Platforms take options behind the key.
	if key, _, found := strings.Cut(secret, "?"); found {
		added = n.addSpellings(key, as) || added
	}
	return added
}

func (n *needles) addSpellings(secret string, as needle) (added bool) {
	if len(secret) < minNeedle {
		return false
	}
	for _, as.text = range spellings(secret) {
		head := headOf(as.text)
		if n.has(head, as.text) {
			continue
		}
		if n.byHead == nil {
			n.byHead = make(map[uint64][]needle)
		}
		n.byHead[head] = append(n.byHead[head], as)
		added = true
	}
	return added
}

func (n *needles) has(head uint64, text string) bool {
	for _, known := range n.byHead[head] {
		if known.text == text {
			return true
		}
	}
	return false
}

// find returns what is in text, each needle as often as it is there.
func (n *needles) find(text string) (found []needle) {
	if len(n.byHead) == 0 {
		return nil
	}
	var head uint64
	for i := range len(text) {
		head = head<<8 | uint64(text[i])
		if i < minNeedle-1 {
			continue
		}
		for _, candidate := range n.byHead[head] {
			if strings.HasPrefix(text[i-minNeedle+1:], candidate.text) {
				found = append(found, candidate)
			}
		}
	}
	return found
}

func headOf(text string) (head uint64) {
	for i := range minNeedle {
		head = head<<8 | uint64(text[i])
	}
	return head
}

// spellings are a secret as URLs, JSON, pages and Base64 have it. Padding is left out: what begins like a secret is one.
func spellings(secret string) []string {
	quoted, _ := json.Marshal(secret) // a string cannot fail
	return []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), strings.Trim(string(quoted), `"`), html.EscapeString(secret),
		base64.RawStdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
	}
}

package secret

import (
	"cmp"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
)

// minRedacted is the length in bytes below which a secret is left alone: masking every "ab" would ruin each line
// and protect nothing.
const minRedacted = 6

// Redactor masks secrets in text written by others. It is immutable and safe for concurrent use. A nil Redactor
// changes nothing.
type Redactor struct {
	forms    []string // longest first, each once
	replacer *strings.Replacer
}

// NewRedactor knows the secrets as they are, URL-encoded and in base64. A key with a query (KEY?bandwidthtest=true)
// is also masked where it stands without the query. Secrets of fewer than 6 bytes are ignored.
func NewRedactor(secrets ...String) *Redactor {
	var forms []string
	for _, s := range secrets {
		text := s.Reveal()
		forms = append(forms, formsOf(text)...)
		if key, _, found := strings.Cut(text, "?"); found {
			forms = append(forms, formsOf(key)...)
		}
	}
	if len(forms) == 0 {
		return nil
	}
	// At one position the Replacer takes the first match in argument order, and a key may begin with another key.
	slices.SortFunc(forms, func(a, b string) int { return cmp.Or(len(b)-len(a), cmp.Compare(a, b)) })
	forms = slices.Compact(forms)

	pairs := make([]string, 0, 2*len(forms))
	for _, form := range forms {
		pairs = append(pairs, form, Mask)
	}
	return &Redactor{forms: forms, replacer: strings.NewReplacer(pairs...)}
}

func formsOf(text string) []string {
	if len(text) < minRedacted {
		return nil
	}
	raw := []byte(text)
	return []string{
		text,
		url.QueryEscape(text),
		url.PathEscape(text),
		base64.StdEncoding.EncodeToString(raw),
		base64.URLEncoding.EncodeToString(raw),
		base64.RawStdEncoding.EncodeToString(raw),
		base64.RawURLEncoding.EncodeToString(raw),
	}
}

// Redact returns line with every known secret masked, and the beginning of one at its very end: what quotes a long text
// may cut it, as ffmpeg does with what a platform answers after some 255 bytes. A line without one comes back as it is,
// unallocated.
func (r *Redactor) Redact(line string) string {
	if r == nil {
		return line
	}
	for _, form := range r.forms {
		if strings.Contains(line, form) {
			line = r.replacer.Replace(line)
			break
		}
	}
	return r.redactCut(line)
}

// closing is what a text that was cut is followed by where it is quoted.
const closing = " \r\n.…)]}\"'"

// redactCut masks the longest end of line that is the beginning of a secret.
func (r *Redactor) redactCut(line string) string {
	text := strings.TrimRight(line, closing)
	begin := len(text)
	for _, form := range r.forms {
		begin = min(begin, beginOfCut(text, form))
	}
	if begin == len(text) {
		return line
	}
	return text[:begin] + Mask + line[len(text):]
}

// beginOfCut returns where in text the end begins that is also the beginning of form; len(text) when there is none.
func beginOfCut(text, form string) int {
	for at := max(0, len(text)-len(form)); ; at++ {
		next := strings.Index(text[at:], form[:minRedacted])
		if next < 0 {
			return len(text)
		}
		if at += next; strings.HasPrefix(form, text[at:]) {
			return at
		}
	}
}

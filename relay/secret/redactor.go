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
// is also masked where it stands without the query. Secrets of fewer than 4 bytes are ignored.
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

// Redact returns line with every known secret masked. A line without one comes back as it is, unallocated.
func (r *Redactor) Redact(line string) string {
	if r == nil {
		return line
	}
	for _, form := range r.forms {
		if strings.Contains(line, form) {
			return r.replacer.Replace(line)
		}
	}
	return line
}

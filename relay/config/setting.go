package config

import (
	"bytes"
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// The settings of a section that are one value. Each method leaves the default alone when there is none.

// scalar returns the text under key as it is written.
func (s *section) scalar(key string) (text string, found bool) {
	node := s.take(key)
	if node == nil {
		return "", false
	}
	text, problem := scalarText(node)
	if problem != "" {
		hint := "write a value behind the colon, or remove the line"
		if problem == tagged {
			hint = "quote a value that begins with !"
		}
		s.fail(key, problem, hint)
		return "", false
	}
	return text, true
}

func (s *section) text(key string, value *string) {
	if text, found := s.scalar(key); found {
		*value = text
	}
}

func (s *section) flag(key string, value *bool) {
	text, found := s.scalar(key)
	switch {
	case !found:
	case text == "true":
		*value = true
	case text == "false":
		*value = false
	default:
		s.fail(key, "neither true nor false", "write true or false")
	}
}

func (s *section) count(key string, value *int, least, most int) {
	text, found := s.scalar(key)
	if !found {
		return
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		s.fail(key, "not a number in range", fmt.Sprintf("write a whole number from %d to %d", least, most))
		return
	}
	*value = n
}

// evenCount takes a number of pixels: encoders halve the picture for colours.
func (s *section) evenCount(key string, value *int, least, most int) {
	s.count(key, value, least, most)
	if *value%2 != 0 {
		s.fail(key, "an odd number of pixels", fmt.Sprintf("write %d or %d", *value-1, *value+1))
	}
}

// number takes a decimal number.
func (s *section) number(key string, value *float64, least, most float64) {
	text, found := s.scalar(key)
	if !found {
		return
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n >= least && n <= most) { // NaN is neither
		s.fail(key, "not a number in range", fmt.Sprintf("write one from %v to %v", least, most))
		return
	}
	*value = n
}

func (s *section) duration(key string, value *time.Duration, least, most time.Duration) {
	text, found := s.scalar(key)
	if !found {
		return
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < least || d > most {
		s.fail(key, "not a duration in range", fmt.Sprintf("write one from %v to %v, with its unit, as in %v", least, most, cmp.Or(*value, most)))
		return
	}
	*value = d
}

// instant takes a moment with its time zone.
func (s *section) instant(key string, value *time.Time) {
	text, found := s.scalar(key)
	if !found {
		return
	}
	t, err := time.Parse(time.RFC3339, text)
	// The year 1 is Go's zero time, which stands for none at all.
	if t = t.UTC(); err != nil || t.Year() < 2000 || t.Year() > 9999 {
		s.fail(key, "not a date and time", "write one with its zone, as in 2027-01-01T00:00:00Z or 2027-01-01T00:00:00+01:00")
		return
	}
	*value = t
}

// networks takes a list of networks and single addresses.
func (s *section) networks(key string, value *[]netip.Prefix) {
	const hint = "write a list of networks and addresses, as in [10.0.0.0/8, 192.168.1.7]"
	for _, node := range s.list(key, hint) {
		text, problem := scalarText(node)
		prefix, ok := parseNetwork(text)
		if problem != "" || !ok {
			s.doc.fail(node.Line, s.path(key), "not a network or an address", hint)
			continue
		}
		*value = append(*value, prefix)
	}
}

// parseNetwork reads a network or a single address. Zones and IPv4 inside of IPv6 are refused: no peer has such an
// address once it is normalised, so they would let nobody in.
func parseNetwork(text string) (prefix netip.Prefix, ok bool) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" {
			return prefix, false
		}
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	return prefix.Masked(), !prefix.Addr().Is4In6()
}

// bitrate takes bit/s.
func (s *section) bitrate(key string, value *int64, least, most int64) {
	text, found := s.scalar(key)
	if !found {
		return
	}
	rate, ok := parseBitrate(text)
	if !ok || rate < least || rate > most {
		s.fail(key, "not a bitrate in range", fmt.Sprintf("write one from %s to %s, with its unit, as in %s",
			formatBitrate(least), formatBitrate(most), formatBitrate(cmp.Or(*value, most))))
		return
	}
	*value = rate
}

// choice takes one of a few words.
func (s *section) choice(key string, value *string, words ...string) {
	text, found := s.scalar(key)
	if !found {
		return
	}
	if !slices.Contains(words, text) {
		s.fail(key, "not one of the choices", "write "+orList(words))
		return
	}
	*value = text
}

// file takes the path of a file that must be there, makes it one to open, and returns the content.
func (s *section) file(key string, value *string) []byte {
	text, found := s.scalar(key)
	if !found {
		return nil
	}
	path := under(filepath.Dir(s.doc.file), text)
	data, err := s.doc.around.readFile(path)
	if err != nil {
		s.fail(key, "cannot be read: "+reason(err), "a relative path starts at the folder of this file")
		return nil
	}
	if len(bytes.TrimSpace(data)) == 0 {
		s.fail(key, "the file is empty", "put the right file in its place")
	}
	*value = path
	return data
}

// webURL takes a URL whose scheme is one of schemes.
func (s *section) webURL(key string, value *string, schemes ...string) {
	text, found := s.scalar(key)
	if !found {
		return
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || !slices.Contains(schemes, u.Scheme) {
		s.fail(key, "not a URL to ask", "write "+orList(schemes)+"://host/path")
		return
	}
	*value = text
}

// orList is "a", "a or b", "a, b or c".
func orList(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// address takes host:port; the host may be empty for every interface.
func (s *section) address(key string, value *string) {
	text, found := s.scalar(key)
	if !found {
		return
	}
	_, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		s.fail(key, "not an address to listen on", fmt.Sprintf("write host:port, as in %q", *value))
		return
	}
	*value = text
}

// name takes a name of the form that streams and apps have.
func (s *section) name(key string, value *string) {
	text, found := s.scalar(key)
	if !found {
		return
	}
	if !validName.MatchString(text) {
		s.fail(key, "not a name", nameHint)
		return
	}
	*value = text
}

// validName is safe as a file name, in a URL and as an RTMP app.
var validName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

const nameHint = "use 1 to 64 of the characters A-Z a-z 0-9 _ -"

// scalarText refuses what only looks like a text: nothing, lists, and values that a YAML tag would change.
func scalarText(node *yaml.Node) (text, problem string) {
	switch {
	case node.Style&yaml.TaggedStyle != 0:
		return "", tagged
	case isNull(node), node.Kind == yaml.ScalarNode && node.Value == "":
		return "", "empty"
	case node.Kind != yaml.ScalarNode:
		return "", "not a single value"
	}
	return node.Value, ""
}

const tagged = "a YAML tag"

func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null"
}

package httpapi

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// files are the pages and what they need, by name. Browsers ask each time whether they are still the same, and get them
// compressed: a player's library is 600 KB, which phones would feel.
type files map[string]file

type file struct {
	text  []byte
	small func() []byte // compressed when somebody first wants it; nil where that saves little
	etag  string
}

// worthIt is the size in bytes from which files are compressed.
const worthIt = 1 << 10

func readFiles(folder fs.FS) files {
	all := files{}
	entries, _ := fs.ReadDir(folder, ".") // the folder is compiled in
	for _, e := range entries {
		text, err := fs.ReadFile(folder, e.Name())
		if err != nil {
			continue
		}
		sum := sha256.Sum256(text)
		f := file{text: text, etag: hex.EncodeToString(sum[:12])}
		if len(text) >= worthIt {
			f.small = sync.OnceValue(func() []byte { return compress(text) })
		}
		all[e.Name()] = f
	}
	return all
}

func compress(text []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(text) // a buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

// page serves one of the files.
func page(all files, name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { all.serve(w, r, name) }
}

// static serves the file that the path names.
func static(all files) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { all.serve(w, r, r.PathValue("file")) }
}

func (all files) serve(w http.ResponseWriter, r *http.Request, name string) {
	f, ok := all[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept-Encoding")
	if path.Ext(name) == "" || path.Ext(name) == ".LICENSE" {
		h.Set("Content-Type", "text/plain; charset=utf-8")
	}
	text, etag := f.text, f.etag
	// A part of a file is a part of the plain one.
	if f.small != nil && r.Header.Get("Range") == "" && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		text, etag = f.small(), f.etag+"-gzip"
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", `"`+etag+`"`)
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(text))
}

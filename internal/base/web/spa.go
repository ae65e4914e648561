package web

import (
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"qushu/internal/base/errs"
)

// spa serves the built front end: hashed assets for a year, everything else as the one page.
type spa struct {
	site  fs.FS
	words Words
}

func newSPA(site fs.FS, w Words) http.Handler { return &spa{site, w} }

func (s *spa) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.words.Write(w, r, errs.New(errs.Missing, "web.no_route"))
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if s.site == nil {
		http.Error(w, "The front end was not built: run make run.", http.StatusNotFound)
		return
	}
	if info, err := fs.Stat(s.site, name); name == "" || err != nil || info.IsDir() {
		if strings.HasPrefix(name, "assets/") || contentType(name) != unknown { // a missing asset is never the page, but a page's address may hold a dot
			http.NotFound(w, r)
			return
		}
		name = "index.html"
	}
	cache := "no-cache"
	if strings.HasPrefix(name, "assets/") {
		cache = "public, max-age=31536000, immutable"
	}
	w.Header().Set("Cache-Control", cache)
	s.send(w, r, name)
}

// send picks the precompressed twin the browser takes.
func (s *spa) send(w http.ResponseWriter, r *http.Request, name string) {
	accept := r.Header.Get("Accept-Encoding")
	for _, enc := range []struct{ name, ext string }{{"br", ".br"}, {"gzip", ".gz"}} {
		if !strings.Contains(accept, enc.name) {
			continue
		}
		if _, err := fs.Stat(s.site, name+enc.ext); err == nil {
			w.Header().Set("Content-Encoding", enc.name)
			w.Header().Add("Vary", "Accept-Encoding")
			w.Header().Set("Content-Type", contentType(name))
			s.copy(w, r, name+enc.ext)
			return
		}
	}
	w.Header().Set("Content-Type", contentType(name))
	s.copy(w, r, name)
}

func (s *spa) copy(w http.ResponseWriter, r *http.Request, name string) {
	f, err := s.site.Open(name)
	if err != nil {
		http.Error(w, "The front end was not built: run make run.", http.StatusNotFound)
		return
	}
	defer f.Close()
	if r.Method == http.MethodGet {
		io.Copy(w, f)
	}
}

// contentType does not ask the machine's mime tables, which differ.
func contentType(name string) string {
	types := map[string]string{".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
		".css": "text/css; charset=utf-8", ".json": "application/json", ".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon",
		".woff2": "font/woff2", ".webmanifest": "application/manifest+json", ".txt": "text/plain; charset=utf-8", ".wasm": "application/wasm"}
	if t := types[path.Ext(name)]; t != "" {
		return t
	}
	return unknown
}

const unknown = "application/octet-stream"

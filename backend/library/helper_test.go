package library

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// TestMain lets the test binary stand in for other programs: copied or linked under the name
// python3 it is the package client, under the name llama-server the engine.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "python3":
		os.Exit(fakePip(os.Args[1:]))
	case "llama-server":
		os.Exit(fakeEngine(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// fakePip answers `-m pip download … -r PINS … -d DIR` with the file PIP_SERVES, as long as the
// pinned name is in it.
func fakePip(args []string) int {
	value := func(flag string) string {
		for i, a := range args {
			if a == flag {
				return args[i+1]
			}
		}
		return ""
	}
	pins, err := os.ReadFile(value("-r"))
	if err != nil || strings.Join(args[:3], " ") != "-m pip download" {
		fmt.Fprintln(os.Stderr, "bad call", args, err)
		return 2
	}
	if os.Getenv("PIP_HANGS") != "" {
		self := strconv.Itoa(os.Getpid())
		if err := os.WriteFile(os.Getenv("PIP_HANGS"), []byte(self), 0o600); err != nil {
			return 2
		}
		never := make(chan os.Signal, 1)
		signal.Notify(never, os.Interrupt)
		<-never
	}
	name, _, _ := strings.Cut(string(pins), "==")
	serves := os.Getenv("PIP_SERVES")
	if !strings.HasPrefix(filepath.Base(serves), name) {
		fmt.Fprintln(os.Stderr, "ERROR: No matching distribution found for", name)
		return 1
	}
	b, err := os.ReadFile(serves)
	if err == nil {
		err = os.WriteFile(filepath.Join(value("-d"), filepath.Base(serves)), b, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// fakeEngine is a llama-server that generates, or with ENGINE_FAILS dies when it should.
func fakeEngine(args []string) int {
	if args[0] == "--version" {
		fmt.Println("version: 4321 (abcdef0)")
		return 0
	}
	if os.Getenv("ENGINE_FAILS") != "" {
		return 132 // as after an illegal instruction
	}
	port := ""
	for i, a := range args {
		if a == "--port" {
			port = args[i+1]
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /completion", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+os.Getenv("LLAMA_API_KEY") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		n := 8
		if os.Getenv("ENGINE_SHORT") != "" {
			n = 3
		}
		_, _ = fmt.Fprintf(w, `{"content":" Paris","tokens_predicted":%d}`, n)
	})
	server := &http.Server{Addr: "127.0.0.1:" + port, Handler: mux, ReadHeaderTimeout: time.Second}
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
	return 1
}

// standIn puts the test binary on PATH under a name.
func standIn(t *testing.T, name string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := filepath.Join(dir, name)
	if err := os.Symlink(self, p); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	return p
}

// selfBytes is a runnable engine for archives.
func selfBytes(t *testing.T) []byte {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// tinyModel is a whole GGUF file; name makes its bytes differ.
func tinyModel(name string) []byte {
	var b bytes.Buffer
	put := func(vs ...any) {
		for _, v := range vs {
			if s, ok := v.(string); ok {
				_ = binary.Write(&b, binary.LittleEndian, uint64(len(s)))
				b.WriteString(s)
				continue
			}
			_ = binary.Write(&b, binary.LittleEndian, v)
		}
	}
	b.WriteString("GGUF")
	put(uint32(3), uint64(1), uint64(2))
	put("general.architecture", uint32(8), "llama", "general.name", uint32(8), name)
	put("w", uint32(1), uint64(1024), uint32(0), uint64(0))
	b.Write(make([]byte, 31+4096))
	return b.Bytes()
}

type member struct {
	name, body, link string
	mode             int64
}

func tarGz(t *testing.T, ms ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	gz, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(gz)
	for _, m := range ms {
		h := &tar.Header{Name: m.name, Mode: 0o644 | m.mode, Size: int64(len(m.body)), Typeflag: tar.TypeReg}
		if m.link != "" {
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, m.link, 0
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(m.body)); err != nil && m.link == "" {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipped(t *testing.T, ms ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range ms {
		h := &zip.FileHeader{Name: m.name, Method: zip.Store}
		h.SetMode(0o644)
		if m.link != "" {
			h.SetMode(os.ModeSymlink | 0o777)
			m.body = m.link
		}
		w, err := z.CreateHeader(h)
		if err == nil {
			_, err = w.Write([]byte(m.body))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func write(t *testing.T, path string, b []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// events gathers what is published.
type events struct {
	mu sync.Mutex
	ds []domain.Download
}

func (e *events) add(d domain.Download) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ds = append(e.ds, d)
}

func (e *events) states(id string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []string
	for _, d := range e.ds {
		if d.ID == id && (len(out) == 0 || out[len(out)-1] != d.State) {
			out = append(out, d.State)
		}
	}
	return out
}

// open makes a library with a catalogue of the test.
func open(t *testing.T, o Options, cat Catalogue) *Library {
	t.Helper()
	if o.DataDir == "" {
		o.DataDir = t.TempDir()
	}
	l, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	l.cat = cat
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// hub serves files by path, with ranges, and counts the requests.
type hub struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string // "path range"
}

func newHub(t *testing.T, files map[string][]byte) *hub {
	t.Helper()
	h := &hub{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		h.asked = append(h.asked, strings.TrimSpace(r.URL.Path+" "+r.Header.Get("Range")))
		h.mu.Unlock()
		b, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		http.ServeContent(w, r, "f.bin", time.Time{}, bytes.NewReader(b))
	}))
	t.Cleanup(h.Close)
	return h
}

func modelEntry(id string, b []byte, sources ...Source) ModelEntry {
	return ModelEntry{ID: id, Name: id, File: id + ".gguf", SHA256: sum(b), Size: int64(len(b)), Default: true, Sources: sources}
}

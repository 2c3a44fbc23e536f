package library

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func ids(ms []domain.Model) []string {
	var out []string
	for _, m := range ms {
		out = append(out, m.ID)
	}
	return out
}

func TestModelsOnDisk(t *testing.T) {
	data, more := t.TempDir(), t.TempDir()
	known, whole := tinyModel("known"), tinyModel("other")
	write(t, filepath.Join(data, "models", "Known.gguf"), known)
	write(t, filepath.Join(more, "copy", "KNOWN.gguf"), known)
	write(t, filepath.Join(more, "pub", "repo", "My Model (v2).gguf"), whole)
	write(t, filepath.Join(more, "My-Model-v2.gguf"), tinyModel("third"))
	write(t, filepath.Join(more, "cut.gguf"), whole[:len(whole)-2000])
	write(t, filepath.Join(more, "zip.GGUF"), []byte("PK\x03\x04"))
	write(t, filepath.Join(more, "big-00001-of-00002.gguf"), tinyModel("part"))
	write(t, filepath.Join(more, "big-00002-of-00002.gguf"), tinyModel("part2"))
	write(t, filepath.Join(more, ".hidden", "no.gguf"), whole)
	write(t, filepath.Join(more, "readme.txt"), whole)
	entry := ModelEntry{ID: "known", Name: "Known", File: "known.gguf", SHA256: sum(known), Default: true, Base: true,
		License: "MIT", Aliases: []string{"org/Known"}}
	rest := ModelEntry{ID: "rest", Name: "Rest", File: "rest.gguf", SHA256: sum(whole[:9]), Size: 9}
	l := open(t, Options{DataDir: data, ModelDirs: []string{more, filepath.Join(more, "none")}},
		Catalogue{Models: []ModelEntry{entry, rest}})

	here, err := l.Models(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"known", "big-00001-of-00002", "cut", "my-model-v2", "my-model-v2-2", "zip"}
	got := ids(here)
	slices.Sort(got[1:])
	if !slices.Equal(got, want) {
		t.Errorf("ids %q, want %q", got, want)
	}
	for _, m := range here {
		switch m.ID {
		case "known":
			if !m.Installed || !m.Default || !m.Base || m.License != "MIT" || m.Source != sourceCat || m.GGUF == nil {
				t.Errorf("known: %+v", m)
			}
		case "cut", "zip":
			if m.Installed || m.Error == "" {
				t.Errorf("%s: %+v", m.ID, m)
			}
		}
	}
	if others, err := l.Models(t.Context(), false); err != nil || !slices.Equal(ids(others), []string{"rest"}) {
		t.Errorf("rest of the catalogue: %v, %v", ids(others), err)
	}
	for _, name := range []string{"known", "KNOWN", "org/known", "known.gguf", filepath.Join(data, "models", "Known.gguf")} {
		if m, err := l.Model(t.Context(), name); err != nil || m.ID != "known" || m.SHA256 != sum(known) {
			t.Errorf("%q resolves to %+v, %v", name, m, err)
		}
	}
	if m, err := l.Model(t.Context(), "rest"); err != nil || m.Installed || m.SHA256 == "" {
		t.Errorf("one not installed: %+v, %v", m, err)
	}
	_, err = l.Model(t.Context(), "nothing")
	var e *domain.Error
	if !errors.As(err, &e) || e.Kind != domain.KindNotFound || !strings.Contains(e.Hint, "known") || !strings.Contains(e.Hint, "rest") {
		t.Errorf("unknown id: %v", err)
	}
}

// TestNameIsNotEnough: a file with a catalogue's name and other contents is not that model, once
// its checksum is known.
func TestNameIsNotEnough(t *testing.T) {
	data := t.TempDir()
	write(t, filepath.Join(data, "models", "known.gguf"), tinyModel("impostor"))
	renamed := write(t, filepath.Join(data, "models", "renamed.gguf"), tinyModel("known"))
	l := open(t, Options{DataDir: data}, Catalogue{Models: []ModelEntry{
		{ID: "fine", File: "known.gguf", SHA256: sum(tinyModel("known"))}}})
	for _, p := range []string{filepath.Join(data, "models", "known.gguf"), renamed} {
		if _, err := l.SHA256(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	ms, _ := l.Models(t.Context(), true)
	for _, m := range ms {
		if (m.ID == "fine") != (m.Path == renamed) {
			t.Errorf("%s is %q", m.Path, m.ID)
		}
	}
}

func TestAddAndRemove(t *testing.T) {
	data := t.TempDir()
	path := write(t, filepath.Join(t.TempDir(), "Mine.gguf"), tinyModel("mine"))
	l := open(t, Options{DataDir: data}, Catalogue{})
	m, err := l.AddFile(t.Context(), path)
	if err != nil || m.ID != "mine" || m.AddedAt == nil || m.SHA256 != sum(tinyModel("mine")) || m.Source != sourceFile || !m.Base {
		t.Fatalf("added %+v, %v", m, err)
	}
	if _, err := l.AddFile(t.Context(), path); err != nil {
		t.Errorf("adding twice: %v", err)
	}
	for _, bad := range []string{filepath.Join(data, "none.gguf"), data, write(t, filepath.Join(data, "x.gguf"), []byte("PK\x03\x04"))} {
		var e *domain.Error
		if _, err := l.AddFile(t.Context(), bad); !errors.As(err, &e) || e.Kind != domain.KindInvalid || e.Fields[0].Location != "body.path" {
			t.Errorf("%s: %v", bad, err)
		}
	}
	// It is remembered, with its checksum, by the next start.
	l2 := open(t, Options{DataDir: data}, Catalogue{})
	ms, err := l2.Models(t.Context(), true)
	if err != nil || len(ms) != 1 || ms[0].SHA256 == "" {
		t.Errorf("next start: %+v, %v", ms, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if ms, _ := l2.Models(t.Context(), true); len(ms) != 1 || ms[0].Installed || ms[0].Error != goneMessage {
		t.Errorf("a missing file: %+v", ms)
	}
	if err := l2.Remove(t.Context(), "mine"); err != nil {
		t.Fatal(err)
	}
	if err := l2.Remove(t.Context(), "mine"); domain.KindOf(err) != domain.KindNotFound {
		t.Errorf("removing twice: %v", err)
	}
}

func TestRemoveOnlyOwnFiles(t *testing.T) {
	data, more := t.TempDir(), t.TempDir()
	own := write(t, filepath.Join(data, "models", "own.gguf"), tinyModel("own"))
	foreign := write(t, filepath.Join(more, "foreign.gguf"), tinyModel("foreign"))
	l := open(t, Options{DataDir: data, ModelDirs: []string{more}},
		Catalogue{Models: []ModelEntry{{ID: "later", Name: "Later", File: "later.gguf", SHA256: strings.Repeat("0", 64)}}})
	if err := l.Remove(t.Context(), "own"); err != nil || sizeOf(own) != 0 {
		t.Errorf("own file: %v", err)
	}
	for _, id := range []string{"foreign", "later"} {
		if err := l.Remove(t.Context(), id); domain.KindOf(err) != domain.KindConflict {
			t.Errorf("%s: %v", id, err)
		}
	}
	if sizeOf(foreign) == 0 {
		t.Error("a file of somebody else was deleted")
	}
	if _, err := l.Download(t.Context(), "foreign"); err != nil {
		t.Errorf("download of an installed model: %v", err)
	}
}

func TestChangedFileIsHashedAnew(t *testing.T) {
	data := t.TempDir()
	path := write(t, filepath.Join(data, "f"), []byte("one"))
	c := openFactCache(filepath.Join(data, "hashes.json"))
	if got, err := c.sha256(t.Context(), path); err != nil || got != sum([]byte("one")) {
		t.Fatalf("%q, %v", got, err)
	}
	write(t, path, []byte("three"))
	if got := c.knownSHA256(path); got != "" {
		t.Errorf("an old checksum is shown: %q", got)
	}
	if got, err := c.sha256(t.Context(), path); err != nil || got != sum([]byte("three")) {
		t.Errorf("%q, %v", got, err)
	}
	write(t, c.path, []byte("{broken"))
	if again := openFactCache(c.path); again.knownSHA256(path) != "" {
		t.Error("a damaged cache is trusted")
	}
}

func TestSlug(t *testing.T) {
	for in, want := range map[string]string{"My Model (v2)": "my-model-v2", "a.b_c": "a.b_c", "日本": "model", "../x": "x"} {
		if got := slug(in); got != want {
			t.Errorf("slug(%q) = %q, want %q", in, got, want)
		}
	}
}

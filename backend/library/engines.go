package library

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// EngineBuild is an engine that has proved that it can generate.
type EngineBuild struct {
	ID     string // own, path, or the folder that it is installed in
	Path   string // of llama-server
	LibDir string // where its shared libraries lie
	Build  string // e.g. b10434
	SHA256 string // of the binary
	Source string // where it came from, in words
}

// manifest lies beside an installed engine; it is written only after the engine was accepted.
type manifest struct {
	Build       string    `json:"build"`
	Backend     string    `json:"backend"`
	Source      string    `json:"source"`
	Binary      string    `json:"binary"` // relative to the manifest
	SHA256      string    `json:"sha256"`
	InstalledAt time.Time `json:"installed_at"`
}

const manifestName = "manifest.json"

func binaryName() string {
	if runtime.GOOS == "windows" {
		return "llama-server.exe"
	}
	return "llama-server"
}

// Build returns the engine to use: the user's own, else an installed one of the data folder, else
// of the further roots, else llama-server on PATH. KindConflict when there is none.
func (l *Library) Build(ctx context.Context) (EngineBuild, error) {
	if p := l.opts.EnginePath; p != "" {
		b, err := l.foreignBuild(ctx, ownBuild, p, "own path")
		if err != nil {
			return b, &domain.Error{Kind: domain.KindConflict, Msg: "The engine set in the settings does not work.",
				Hint: "Choose another llama-server, or clear the setting.", Err: err}
		}
		return b, nil
	}
	for _, root := range append([]string{l.opts.DataDir}, l.opts.EngineDirs...) {
		if b, ok := l.installed(ctx, root, ""); ok {
			return b, nil
		}
	}
	if p, err := exec.LookPath(binaryName()); err == nil {
		b, err := l.foreignBuild(ctx, pathBuild, p, "PATH")
		if err == nil {
			return b, nil
		}
		l.log.Warn("The llama-server on PATH does not work", "path", p, "error", err)
	}
	return EngineBuild{}, &domain.Error{Kind: domain.KindConflict, Msg: "No engine is installed.",
		Hint: "Get the engine on the Engines page or with `inferometer setup`, or point to a llama-server in the settings."}
}

// installed returns the newest accepted engine below a root; backend "" takes any.
func (l *Library) installed(ctx context.Context, root, backend string) (EngineBuild, bool) {
	for _, f := range l.installedIn(ctx, root) {
		if backend == "" || f.Backend == backend {
			return f.build, true
		}
	}
	return EngineBuild{}, false
}

// found is an accepted engine with what its manifest says.
type found struct {
	manifest
	build EngineBuild
}

// installedIn lists the accepted engines below a root, the newest first.
func (l *Library) installedIn(ctx context.Context, root string) []found {
	var paths []string
	for _, pattern := range []string{"engines/*", "*", ""} {
		m, _ := filepath.Glob(filepath.Join(globQuote(root), pattern, manifestName))
		paths = append(paths, m...)
	}
	var out []found
	for _, p := range paths {
		if filepath.Base(filepath.Dir(p))[0] == '.' && filepath.Dir(p) != filepath.Clean(root) {
			continue // one being installed
		}
		b, m, err := l.readManifest(ctx, p)
		if err != nil {
			l.log.Warn("Engine folder skipped", "manifest", p, "error", err)
			continue
		}
		out = append(out, found{m, b})
	}
	slices.SortStableFunc(out, func(a, b found) int { return b.InstalledAt.Compare(a.InstalledAt) })
	return out
}

// globQuote keeps special characters of a folder's name from acting as a pattern.
func globQuote(dir string) string {
	if runtime.GOOS == "windows" {
		return dir
	}
	var out []rune
	for _, r := range dir {
		if r == '*' || r == '?' || r == '[' || r == '\\' {
			out = append(out, '\\')
		}
		out = append(out, r)
	}
	return string(out)
}

func (l *Library) readManifest(ctx context.Context, path string) (EngineBuild, manifest, error) {
	var m manifest
	raw, err := os.ReadFile(path) // #nosec G304 -- a file of the person's own choice, or one that the program made
	if err != nil {
		return EngineBuild{}, m, fmt.Errorf("read manifest: %w", err)
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return EngineBuild{}, m, fmt.Errorf("read manifest: %w", err)
	}
	if !filepath.IsLocal(m.Binary) {
		return EngineBuild{}, m, errors.New("the manifest names no binary")
	}
	bin, err := filepath.Abs(filepath.Join(filepath.Dir(path), m.Binary))
	if err != nil {
		return EngineBuild{}, m, fmt.Errorf("resolve binary: %w", err)
	}
	sum, err := l.facts.sha256(ctx, bin)
	if err != nil {
		return EngineBuild{}, m, err
	}
	if sum != m.SHA256 {
		return EngineBuild{}, m, errors.New("the binary is not the one that was installed")
	}
	return EngineBuild{ID: filepath.Base(filepath.Dir(path)), Path: bin, LibDir: filepath.Dir(bin), Build: m.Build, SHA256: sum, Source: m.Source}, m, nil
}

// foreignBuild accepts an engine that this library did not install. The proof is remembered for
// as long as the file stays the same; without any model yet, its version must do.
func (l *Library) foreignBuild(ctx context.Context, id, path, source string) (EngineBuild, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return EngineBuild{}, fmt.Errorf("resolve engine: %w", err)
	}
	stamp, err := stampOf(abs)
	if err != nil {
		return EngineBuild{}, err
	}
	key := abs + "|" + stamp
	l.mu.Lock()
	b, ok := l.foreign[key]
	l.mu.Unlock()
	if ok {
		return b, nil
	}
	build, err := l.engineVersion(ctx, abs)
	if err != nil {
		return EngineBuild{}, err
	}
	model := l.smokeModel(l.modelDirs())
	if model != "" {
		if err := l.smoke(ctx, abs, model); err != nil {
			return EngineBuild{}, err
		}
	}
	sum, err := l.facts.sha256(ctx, abs)
	if err != nil {
		return EngineBuild{}, err
	}
	b = EngineBuild{ID: id, Path: abs, LibDir: filepath.Dir(abs), Build: build, SHA256: sum, Source: source}
	if model != "" {
		l.mu.Lock()
		l.foreign[key] = b
		l.mu.Unlock()
	}
	return b, nil
}

// getEngine installs an engine below root unless one is there.
func (l *Library) getEngine(ctx context.Context, root string, t *tracker) error {
	backend := ""
	native := os.Getenv("ENGINE") == "native"
	if native {
		backend = "native"
	}
	if _, ok := l.installed(ctx, root, backend); ok {
		t.state(stateDone, "")
		return nil
	}
	model := l.smokeModel(append([]string{filepath.Join(root, "models")}, l.modelDirs()...))
	if model == "" {
		entry := l.cat.defaultModel()
		if err := l.getModel(ctx, root, entry, newTracker(entry.ID, t.out)); err != nil {
			t.fail(stateFailed, "The engine needs a model to prove itself, and none could be fetched.")
			return err
		}
		model = filepath.Join(root, "models", entry.File)
	}
	vulkan := hasVulkan()
	sources := slices.DeleteFunc(slices.Clone(l.cat.Engine.Sources), func(s Source) bool {
		return !s.fits(vulkan) || (native && s.Kind != sourceBuild)
	})
	return l.trySources(ctx, t, "the engine", sources, func(s Source) error {
		return l.installFrom(ctx, s, root, model, t)
	})
}

// installFrom brings one engine into a hidden folder, proves it there and moves it into place.
func (l *Library) installFrom(ctx context.Context, s Source, root, model string, t *tracker) error {
	engines := filepath.Join(root, "engines")
	if err := os.MkdirAll(engines, 0o700); err != nil {
		return fmt.Errorf("create folder: %w", err)
	}
	work, err := os.MkdirTemp(engines, ".new-")
	if err != nil {
		return fmt.Errorf("create folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	tree := filepath.Join(work, "tree")
	if err := l.bring(ctx, s, root, work, tree, t); err != nil {
		return err
	}
	t.state(stateInstalling, "")
	bin, err := findBinary(tree)
	if err != nil {
		return err
	}
	if err := linkTwins(filepath.Dir(bin), func(p string) (string, error) { return sha256File(ctx, p) }); err != nil {
		return err
	}
	if _, err := l.engineVersion(ctx, bin); err != nil {
		return err
	}
	if err := l.smoke(ctx, bin, model); err != nil {
		return err
	}
	if err := writeManifest(ctx, s, tree, bin); err != nil {
		return err
	}
	final := filepath.Join(engines, s.Build+"-"+s.Backend)
	if err := os.RemoveAll(final); err != nil {
		return fmt.Errorf("remove old engine: %w", err)
	}
	return moveIn(tree, final)
}

// bring fetches and unpacks a source into tree.
func (l *Library) bring(ctx context.Context, s Source, root, work, tree string, t *tracker) error {
	switch s.Kind {
	case sourceRelease:
		part := partPath(root, s.SHA256)
		if err := l.fetchURL(ctx, s, part, t); err != nil {
			return err
		}
		defer func() { _ = os.Remove(part) }()
		if s.Format == "zip" {
			return unzip(part, tree, nil)
		}
		return untar(part, tree, nil)
	case sourceRegistry:
		wheel, err := l.fetchRegistry(ctx, s, work, t)
		if err != nil {
			return err
		}
		return unzip(wheel, tree, keepMembers(s.Members))
	}
	return l.compile(ctx, s, work, tree, t)
}

func findBinary(tree string) (string, error) {
	var bin string
	err := filepath.WalkDir(tree, func(p string, e fs.DirEntry, err error) error {
		if err == nil && bin == "" && e.Type().IsRegular() && e.Name() == binaryName() {
			bin = p
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("search engine: %w", err)
	}
	if bin == "" {
		return "", errors.New("the archive holds no llama-server")
	}
	if err := os.Chmod(bin, 0o755); err != nil { // #nosec G302 -- a program must be executable
		return "", fmt.Errorf("make engine runnable: %w", err)
	}
	return bin, nil
}

func writeManifest(ctx context.Context, s Source, tree, bin string) error {
	rel, err := filepath.Rel(tree, bin)
	if err != nil {
		return fmt.Errorf("resolve binary: %w", err)
	}
	sum, err := sha256File(ctx, bin)
	if err != nil {
		return err
	}
	return writeJSON(filepath.Join(tree, manifestName), manifest{Build: s.Build, Backend: s.Backend,
		Source: s.Words(), Binary: rel, SHA256: sum, InstalledAt: time.Now().UTC().Truncate(time.Second)})
}

// hasVulkan reports whether a graphics driver with Vulkan seems to be there: only then is a build
// for it worth its size.
func hasVulkan() bool {
	if runtime.GOOS == "windows" {
		_, err := os.Stat(filepath.Join(os.Getenv("SystemRoot"), "System32", "vulkan-1.dll")) // #nosec G703 -- asks only whether the system has a file
		return err == nil
	}
	device, _ := filepath.Glob("/dev/dri/renderD*")
	nvidia, _ := filepath.Glob("/dev/nvidia[0-9]*")
	icd, _ := filepath.Glob("/usr/share/vulkan/icd.d/*.json")
	etc, _ := filepath.Glob("/etc/vulkan/icd.d/*.json")
	return len(device)+len(nvidia) > 0 && len(icd)+len(etc) > 0
}

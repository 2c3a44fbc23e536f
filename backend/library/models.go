package library

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	engineKind  = "llama-server"
	maxDepth    = 4    // sub-folders of a models folder that are looked into
	maxFound    = 2000 // model files of one folder
	hashAtOnce  = int64(1) << 30
	sourceCat   = "catalogue"
	sourceFile  = "file"
	ggufSuffix  = ".gguf"
	goneMessage = "The file is gone. Put it back, or remove it from the list."
)

// addedFile is a model file that the user pointed to.
type addedFile struct {
	Path    string    `json:"path"`
	AddedAt time.Time `json:"added_at"`
}

// fileList keeps the added files across starts.
type fileList struct {
	path  string
	mu    sync.Mutex
	files []addedFile
}

func openFileList(path string) (*fileList, error) {
	l := &fileList{path: path}
	raw, err := os.ReadFile(path) // #nosec G304 -- a file of the person's own choice, or one that the program made
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read model list: %w", err)
	}
	if err := json.Unmarshal(raw, &l.files); err != nil {
		return nil, fmt.Errorf("read model list %s: %w", path, err)
	}
	return l, nil
}

func (l *fileList) all() []addedFile {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.files)
}

func (l *fileList) add(path string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.ContainsFunc(l.files, func(f addedFile) bool { return f.Path == path }) {
		return nil
	}
	l.files = append(l.files, addedFile{path, time.Now().UTC().Truncate(time.Second)})
	return writeJSON(l.path, l.files)
}

// remove reports whether the file was in the list.
func (l *fileList) remove(path string) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.files)
	l.files = slices.DeleteFunc(l.files, func(f addedFile) bool { return f.Path == path })
	if len(l.files) == n {
		return false, nil
	}
	return true, writeJSON(l.path, l.files)
}

func (l *Library) modelDirs() []string {
	return append([]string{filepath.Join(l.opts.DataDir, "models")}, l.opts.ModelDirs...)
}

// Models lists what is on this machine, or with installed false the rest of the catalogue.
func (l *Library) Models(ctx context.Context, installed bool) ([]domain.Model, error) {
	here := l.onDisk()
	if installed {
		return here, nil
	}
	rest := []domain.Model{}
	for _, e := range l.cat.Models {
		if !slices.ContainsFunc(here, func(m domain.Model) bool { return m.ID == e.ID && m.Installed }) {
			rest = append(rest, l.notYet(e))
		}
	}
	return rest, nil
}

// Model finds one by id, alias, file name or path, installed ones first. Its checksum is filled in
// when it is known or quick to find; SHA256 finds it for larger ones.
func (l *Library) Model(ctx context.Context, id string) (domain.Model, error) {
	want := id
	entry, inCatalogue := l.cat.model(id)
	if inCatalogue {
		want = entry.ID
	}
	for _, m := range l.onDisk() {
		if !strings.EqualFold(m.ID, want) && m.Path != id && !strings.EqualFold(filepath.Base(m.Path), id) {
			continue
		}
		if inCatalogue && !m.Installed && m.Source == sourceCat {
			break
		}
		if m.Installed && m.SHA256 == "" && *m.SizeBytes <= hashAtOnce {
			sum, err := l.facts.sha256(ctx, m.Path)
			if err != nil {
				return m, fmt.Errorf("hash model: %w", err)
			}
			m.SHA256 = sum
		}
		return m, nil
	}
	if inCatalogue {
		return l.notYet(entry), nil
	}
	return domain.Model{}, l.notFound(ctx, id)
}

func (l *Library) notFound(ctx context.Context, id string) error {
	var here, more []string
	for _, m := range l.onDisk() {
		here = append(here, m.ID)
	}
	for _, e := range l.cat.Models {
		if !slices.Contains(here, e.ID) {
			more = append(more, e.ID)
		}
	}
	hint := "No model is installed."
	if len(here) > 0 {
		hint = "Installed: " + strings.Join(here, ", ") + "."
	}
	if len(more) > 0 {
		hint += " Can be fetched: " + strings.Join(more, ", ") + "."
	}
	return &domain.Error{Kind: domain.KindNotFound, Msg: "There is no such model.", Hint: hint}
}

// SHA256 returns the checksum of a model file, from memory when the file has not changed.
func (l *Library) SHA256(ctx context.Context, path string) (string, error) {
	return l.facts.sha256(ctx, path)
}

// AddFile takes a model file into the list where it lies.
func (l *Library) AddFile(ctx context.Context, path string) (domain.Model, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return domain.Model{}, domain.Invalid("body.path", "is not a path")
	}
	if _, err := l.facts.header(abs); err != nil {
		msg := err.Error()
		if errors.Is(err, fs.ErrNotExist) {
			msg = "There is no such file."
		}
		e := domain.Invalid("body.path", msg)
		e.Msg, e.Err = "The file cannot be used as a model.", err
		return domain.Model{}, e
	}
	if err := l.files.add(abs); err != nil {
		return domain.Model{}, err
	}
	return l.Model(ctx, abs)
}

// Remove forgets an added file, or deletes one that was downloaded into the data folder.
func (l *Library) Remove(ctx context.Context, id string) error {
	m, err := l.Model(ctx, id)
	if err != nil {
		return err
	}
	if listed, err := l.files.remove(m.Path); listed || err != nil {
		return err
	}
	own := filepath.Join(l.opts.DataDir, "models") + string(filepath.Separator)
	switch {
	case m.Path == "":
		return domain.Errorf(domain.KindConflict, "%s is not installed.", m.Name)
	case !strings.HasPrefix(m.Path, own):
		return &domain.Error{Kind: domain.KindConflict, Msg: "This file is not managed by Inferometer.",
			Hint: "Delete it by hand: " + m.Path}
	}
	if err := os.Remove(m.Path); err != nil {
		return fmt.Errorf("remove model: %w", err)
	}
	return nil
}

// onDisk lists the model files of all folders and the added ones, each once.
func (l *Library) onDisk() []domain.Model {
	models := []domain.Model{}
	paths, ids := map[string]bool{}, map[string]bool{}
	take := func(path string, added *time.Time) {
		real, err := filepath.EvalSymlinks(path)
		if err != nil {
			real = path
		}
		if paths[real] {
			return
		}
		paths[real] = true
		m := l.describe(path)
		m.AddedAt = added
		if m.Source == sourceCat && ids[m.ID] {
			return // a second copy
		}
		for base, n := m.ID, 2; ids[m.ID]; n++ {
			m.ID = base + "-" + strconv.Itoa(n)
		}
		ids[m.ID] = true
		models = append(models, m)
	}
	for _, dir := range l.modelDirs() {
		for _, p := range modelFiles(dir) {
			take(p, nil)
		}
	}
	for _, f := range l.files.all() {
		take(f.Path, &f.AddedAt)
	}
	slices.SortStableFunc(models, func(a, b domain.Model) int {
		if a.Default != b.Default {
			return map[bool]int{true: -1, false: 1}[a.Default]
		}
		return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return models
}

// modelFiles finds *.gguf below a folder; of a model in several parts only the first.
func modelFiles(dir string) []string {
	var out []string
	shard := regexp.MustCompile(`-(\d{5})-of-\d{5}\.gguf$`)
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil
	}
	_ = filepath.WalkDir(abs, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // an unreadable sub-folder hides only itself
		}
		if len(out) >= maxFound {
			return fs.SkipAll
		}
		if e.IsDir() {
			rel, _ := filepath.Rel(abs, p)
			if p != abs && (e.Name()[0] == '.' || strings.Count(rel, string(filepath.Separator)) >= maxDepth) {
				return fs.SkipDir
			}
			return nil
		}
		name := strings.ToLower(e.Name())
		if !strings.HasSuffix(name, ggufSuffix) {
			return nil
		}
		if m := shard.FindStringSubmatch(name); m != nil && m[1] != "00001" {
			return nil
		}
		out = append(out, p)
		return nil
	})
	return out
}

// describe makes a model of a file, and of one of the catalogue when name or checksum say so.
func (l *Library) describe(path string) domain.Model {
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	m := domain.Model{ID: slug(name), Name: name, Engine: engineKind, Path: path, Source: sourceFile}
	st, err := os.Stat(path)
	if err != nil {
		m.Error = goneMessage
		return m
	}
	size := st.Size()
	m.SizeBytes, m.SHA256 = &size, l.facts.knownSHA256(path)
	info, err := l.facts.header(path)
	if err != nil {
		m.Error = err.Error()
	} else {
		m.Installed, m.GGUF = true, &info
		m.License, m.Base = info.License, !info.ChatTemplate
	}
	if e, ok := l.entryOf(filepath.Base(path), size, m.SHA256); ok {
		m.ID, m.Name, m.License, m.Base, m.Default, m.Source = e.ID, e.Name, e.License, e.Base, e.Default, sourceCat
	}
	return m
}

// entryOf finds the catalogue entry of a file: by checksum, else by name as long as nothing
// speaks against it.
func (l *Library) entryOf(file string, size int64, sum string) (ModelEntry, bool) {
	for _, e := range l.cat.Models {
		if sum != "" {
			if sum == e.SHA256 {
				return e, true
			}
			continue
		}
		if strings.EqualFold(file, e.File) && (e.Size == 0 || e.Size == size) {
			return e, true
		}
	}
	return ModelEntry{}, false
}

// notYet describes an entry that is not installed, with the state of its download.
func (l *Library) notYet(e ModelEntry) domain.Model {
	m := domain.Model{ID: e.ID, Name: e.Name, Engine: engineKind, SHA256: e.SHA256, License: e.License,
		Source: sourceCat, Base: e.Base, Default: e.Default}
	switch {
	case e.Size > 0:
		m.SizeBytes = &e.Size
	case e.About > 0:
		m.SizeBytes, m.SizeApproximate = &e.About, true
	}
	if d, ok := l.DownloadState(e.ID); ok && d.State != stateDone {
		m.Download = &d
	} else if n := sizeOf(partPath(l.opts.DataDir, e.SHA256)); n > 0 {
		m.Download = &domain.Download{ID: e.ID, State: stateCanceled, DoneBytes: n, TotalBytes: exact(e.Size)}
	}
	return m
}

// exact is a size that is known, nil for 0.
func exact(size int64) *int64 {
	if size == 0 {
		return nil
	}
	return &size
}

func slug(name string) string {
	s := regexp.MustCompile(`[^a-z0-9._]+`).ReplaceAllString(strings.ToLower(name), "-")
	if s = strings.Trim(s, "-."); s == "" {
		return "model"
	}
	return s
}

// smokeModel returns the smallest usable model file of some folders, "" when there is none.
func (l *Library) smokeModel(dirs []string) string {
	best, size := "", int64(0)
	for _, dir := range dirs {
		for _, p := range modelFiles(dir) {
			info, err := l.facts.header(p)
			n := sizeOf(p)
			if err == nil && info.Tensors > 0 && (best == "" || n < size) {
				best, size = p, n
			}
		}
	}
	return best
}

// getModel installs a model of the catalogue below root unless it is there.
func (l *Library) getModel(ctx context.Context, root string, e ModelEntry, t *tracker) error {
	dest := filepath.Join(root, "models", e.File)
	if sizeOf(dest) > 0 {
		if sum, err := l.facts.sha256(ctx, dest); err == nil && sum == e.SHA256 {
			t.state(stateDone, "")
			return nil
		}
	}
	part := partPath(root, e.SHA256)
	return l.trySources(ctx, t, e.Name, e.Sources, func(s Source) error {
		if err := l.bringModel(ctx, e, s, root, part, t); err != nil {
			return err
		}
		t.state(stateInstalling, "")
		if err := moveIn(part, dest); err != nil {
			return err
		}
		if _, err := l.facts.header(dest); err != nil {
			return fmt.Errorf("check model: %w", err)
		}
		_, err := l.facts.sha256(ctx, dest)
		return err
	})
}

// bringModel leaves the verified model file at part.
func (l *Library) bringModel(ctx context.Context, e ModelEntry, s Source, root, part string, t *tracker) error {
	if s.Kind == sourceURL {
		s.SHA256, s.Size = e.SHA256, e.Size
		return l.fetchURL(ctx, s, part, t)
	}
	if err := os.MkdirAll(filepath.Dir(part), 0o700); err != nil {
		return fmt.Errorf("create folder: %w", err)
	}
	work, err := os.MkdirTemp(filepath.Dir(part), "registry-")
	if err != nil {
		return fmt.Errorf("create folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	wheel, err := l.fetchRegistry(ctx, s, work, t)
	if err != nil {
		return err
	}
	out := filepath.Join(work, "out")
	if err := unzip(wheel, out, keepMembers(s.Members)); err != nil {
		return err
	}
	got, err := verifiedOnly(ctx, out, e.SHA256)
	if err != nil {
		return err
	}
	return moveIn(got, part)
}

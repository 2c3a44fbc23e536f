package relocate

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// spare is what a disk has to have left after a move.
const spare = 256 << 20

// Options say what is moved and how.
type Options struct {
	Dir  string                              // the data folder in use
	Base string                              // the platform's own folder, which holds the pointer; empty: the data folder was named at the start
	Free func(dir string) *int64             // what the disk of a folder has left; nil: not known
	Now  func() time.Time                    // left out: the clock
	Lock func(dir string) (io.Closer, error) // holds a data folder, so that nobody uses it
	// Probe opens the data of a new place and closes it, so that a disk that cannot carry it is known before.
	Probe func(ctx context.Context, dir string) error
}

// Mover plans a move of the data folder and copies what can be copied while the program runs. It is safe for
// concurrent use; Copy is called by one goroutine at a time.
type Mover struct {
	o Options

	mu      sync.Mutex
	done    int64
	all     int64
	stop    context.CancelFunc // ends a copy that goes on
	stopped chan struct{}      // closed when it has ended
}

// New returns a mover of a data folder.
func New(o Options) *Mover {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Mover{o: o}
}

// fixed reports whether the data folder was named at the start, so that no pointer leads to it.
func (m *Mover) fixed() bool { return m.o.Base == "" }

// Movable reports whether Plan may be asked for a move.
func (m *Mover) Movable() bool { return !m.fixed() }

// Move is the move that was asked for; nil without one.
func (m *Mover) Move() *domain.Move {
	if m.fixed() {
		return nil
	}
	p, ok := readPlan(m.o.Dir)
	if !ok {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return &domain.Move{To: p.To, State: p.State, Reason: p.Reason, DoneBytes: min(m.done, m.all), TotalBytes: m.all}
}

// Plan checks a new place and begins a move there. The rest is done by Copy and, at the next start, by Finish.
func (m *Mover) Plan(ctx context.Context, to string) (domain.Move, error) {
	if m.fixed() {
		return domain.Move{}, &domain.Error{Kind: domain.KindConflict, Msg: "The data folder was named when the program was started.",
			Hint: "Copy it while the program does not run, and name the new one with --data-dir or INFEROMETER_DATA_DIR."}
	}
	m.mu.Lock()
	busy := m.stop != nil
	m.mu.Unlock()
	if p, ok := readPlan(m.o.Dir); ok && p.State != StateFailed || busy {
		return domain.Move{}, &domain.Error{Kind: domain.KindConflict, Msg: "The data folder is already being moved.", Hint: "Take that back first."}
	}
	items, _, err := list(ctx, m.o.Dir, false)
	if err != nil {
		return domain.Move{}, fmt.Errorf("measure the data folder: %w", err)
	}
	to = filepath.Clean(to)
	if err := m.check(to, total(items)); err != nil {
		return domain.Move{}, err
	}
	if err := m.claim(to); err != nil {
		return domain.Move{}, err
	}
	if err := writeJSON(filepath.Join(m.o.Dir, planName), plan{To: to, At: m.o.Now().UTC(), State: StateCopying}); err != nil {
		return domain.Move{}, errors.Join(err, m.clear(to))
	}
	m.mu.Lock()
	m.done, m.all = 0, total(items)
	m.mu.Unlock()
	return *m.Move(), nil
}

// place is how the error of a chosen folder names the field.
const place = "body.path"

// check refuses a place in which the data cannot be or may not be.
func (m *Mover) check(to string, need int64) error {
	if !filepath.IsAbs(to) {
		return domain.Invalid(place, "must be an absolute path")
	}
	parent, err := filepath.EvalSymlinks(filepath.Dir(to))
	if err != nil {
		return domain.Invalid(place, "the folder that it lies in must exist")
	}
	own, err := filepath.EvalSymlinks(m.o.Dir)
	if err != nil {
		return fmt.Errorf("resolve the data folder: %w", err)
	}
	if inside, err := filepath.Rel(own, filepath.Join(parent, filepath.Base(to))); err == nil && filepath.IsLocal(inside) {
		return domain.Invalid(place, "must lie outside the data folder of today")
	}
	fi, err := os.Stat(to)
	if err == nil && !fi.IsDir() {
		return domain.Invalid(place, "is no folder")
	}
	if err == nil {
		if real, err := filepath.EvalSymlinks(to); err == nil {
			if inside, err := filepath.Rel(own, real); err == nil && filepath.IsLocal(inside) {
				return domain.Invalid(place, "must lie outside the data folder of today")
			}
		}
		names, err := os.ReadDir(to)
		if err != nil {
			return domain.Invalid(place, "cannot be read")
		}
		if !m.ours(to) && slices.ContainsFunc(names, func(d os.DirEntry) bool { return d.Name() != pointerName && d.Name() != "lock" }) {
			return domain.Invalid(place, "must be empty, or not be there yet")
		}
	}
	if free := m.free(parent); free != nil && *free < need+spare {
		return domain.Invalid(place, fmt.Sprintf("its disk has %.1f GB free; %.1f GB are needed", float64(*free)/1e9, float64(need+spare)/1e9))
	}
	return nil
}

func (m *Mover) free(dir string) *int64 {
	if m.o.Free == nil {
		return nil
	}
	return m.o.Free(dir)
}

// header is the first line of moving.jsonl; each line after it is the name of something that was copied.
type header struct {
	From string `json:"from"`
	Made bool   `json:"made"` // the folder was not there before
}

// claimed reads whose copy a place holds, and what of it is ours; false when it is nobody's.
func claimed(to string) (header, []string, bool) {
	f, err := os.Open(filepath.Join(to, copiedName)) // #nosec G304 -- below the folder that was chosen
	if err != nil {
		return header{}, nil, false
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	var h header
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &h) != nil {
		return header{}, nil, false
	}
	var names []string
	for lines.Scan() {
		var rel string
		if json.Unmarshal(lines.Bytes(), &rel) == nil && filepath.IsLocal(rel) { // a cut last line is a file that has not begun
			names = append(names, rel)
		}
	}
	return h, names, true
}

// ours reports whether a place holds what an earlier move of this folder left.
func (m *Mover) ours(to string) bool {
	h, _, ok := claimed(to)
	return ok && same(h.From, m.o.Dir)
}

// claim makes the new place, for this user alone, and marks it.
func (m *Mover) claim(to string) error {
	if m.ours(to) {
		return nil
	}
	err := os.Mkdir(to, 0o700)
	made := err == nil
	if err != nil && !errors.Is(err, os.ErrExist) {
		return domain.Invalid(place, "cannot be made there")
	}
	undo := func(why string) error {
		if made {
			_ = os.Remove(to) // it is empty; the reason is told
		}
		return domain.Invalid(place, why)
	}
	if err := os.Chmod(to, 0o700); err != nil { // #nosec G302 -- a folder
		return undo("cannot be made private")
	}
	if fi, err := os.Stat(to); err != nil || !private(fi) {
		return undo("others could read it: its disk keeps no permissions")
	}
	line, err := json.Marshal(header{m.o.Dir, made})
	if err != nil {
		return fmt.Errorf("mark the new folder: %w", err)
	}
	if err := os.WriteFile(filepath.Join(to, copiedName), append(line, '\n'), 0o600); err != nil {
		return undo("cannot be written")
	}
	return nil
}

// clear takes away what was copied to a place, and nothing else.
func (m *Mover) clear(to string) error {
	h, names, ok := claimed(to)
	if !ok {
		return nil
	}
	if err := removeAll(to, names); err != nil {
		return err
	}
	if err := ignoreMissing(os.Remove(filepath.Join(to, copiedName))); err != nil {
		return fmt.Errorf("clear the new folder: %w", err)
	}
	if h.Made {
		_ = os.Remove(to) // only if it is empty
	}
	return nil
}

// removeAll deletes files and links by name, and the folders among the names and above them that are empty then.
func removeAll(root string, names []string) error {
	dirs := map[string]bool{}
	for _, rel := range names {
		for dir := filepath.Dir(rel); dir != "."; dir = filepath.Dir(dir) {
			dirs[dir] = true
		}
		path := filepath.Join(root, rel)
		fi, err := os.Lstat(path)
		if err == nil && fi.IsDir() {
			dirs[rel] = true
			continue
		}
		for _, p := range []string{path, path + partSuffix} {
			if err := ignoreMissing(os.Remove(p)); err != nil {
				return fmt.Errorf("delete: %w", err)
			}
		}
	}
	deepest := make([]string, 0, len(dirs))
	for dir := range dirs {
		deepest = append(deepest, dir)
	}
	slices.SortFunc(deepest, func(a, b string) int { return len(b) - len(a) })
	for _, dir := range deepest {
		_ = os.Remove(filepath.Join(root, dir)) // only if it is empty
	}
	return nil
}

// Copy copies what is large until ctx ends, and goes on where it was when it is called again. A move that cannot be
// done is kept as failed, with the reason.
func (m *Mover) Copy(ctx context.Context) error {
	p, ok := readPlan(m.o.Dir)
	if m.fixed() || !ok || p.State != StateCopying {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan struct{})
	m.mu.Lock()
	m.stop, m.stopped = cancel, ended
	m.mu.Unlock()
	err := m.copy(ctx, p.To)
	if ctx.Err() == nil {
		p.State = StateReady
		if err != nil {
			p.State, p.Reason = StateFailed, reason(err)
		}
		err = errors.Join(err, writeJSON(filepath.Join(m.o.Dir, planName), p))
	} else {
		err = ctx.Err()
	}
	m.mu.Lock()
	m.stop = nil
	m.mu.Unlock()
	close(ended)
	return err
}

func (m *Mover) copy(ctx context.Context, to string) error {
	whole, _, err := list(ctx, m.o.Dir, false)
	if err != nil {
		return err
	}
	items, dirs, err := list(ctx, m.o.Dir, true)
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.done, m.all = 0, total(whole)
	m.mu.Unlock()
	return transfer(ctx, m.o.Dir, to, items, dirs, func(n int64) {
		m.mu.Lock()
		m.done += n
		m.mu.Unlock()
	})
}

// transfer copies items and keeps a list of them in the new place.
func transfer(ctx context.Context, from, to string, items []item, dirs []string, done func(int64)) error {
	log, err := os.OpenFile(filepath.Join(to, copiedName), os.O_APPEND|os.O_WRONLY, 0o600) // #nosec G304 -- below the folder that was chosen
	if err != nil {
		return &domain.Error{Kind: domain.KindUnavailable, Msg: "The new folder is not there any more, or cannot be written.", Err: err}
	}
	c := copier{from: from, to: to, done: done, copied: func(rel string) error {
		line, err := json.Marshal(rel)
		if err == nil {
			_, err = log.Write(append(line, '\n'))
		}
		return err
	}}
	return errors.Join(c.all(ctx, items, dirs), log.Close())
}

// reason is what a person is told of an error.
func reason(err error) string {
	var ours *domain.Error
	if errors.As(err, &ours) {
		return ours.Msg
	}
	return "A file could not be copied: " + err.Error()
}

// Cancel takes a move back: what was copied goes, and the data stays where it is.
func (m *Mover) Cancel(ctx context.Context) error {
	p, ok := readPlan(m.o.Dir)
	if m.fixed() || !ok {
		return &domain.Error{Kind: domain.KindNotFound, Msg: "The data folder is not being moved."}
	}
	m.mu.Lock()
	stop, stopped := m.stop, m.stopped
	m.mu.Unlock()
	if stop != nil {
		stop()
		select {
		case <-stopped:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := m.clear(p.To); err != nil {
		return err
	}
	if err := ignoreMissing(os.Remove(filepath.Join(m.o.Dir, planName))); err != nil {
		return fmt.Errorf("take the move back: %w", err)
	}
	return nil
}

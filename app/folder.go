package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/llama"
	"github.com/inferometer/inferometer/backend/relocate"
	"github.com/inferometer/inferometer/backend/store"
)

// takeFolder locks the data folder, ends what an earlier start left behind, opens the log, and moves the folder when
// its time has come.
func (a *App) takeFolder(ctx context.Context) error {
	lock, err := holdFolder(a.w.DataDir)
	if err != nil {
		return err
	}
	defer func() { a.onClose("lock", lock.Close) }()
	if a.w.BaseDir != "" {
		// Between finding and locking it another start may have moved it: nobody may begin to write here then.
		if now, err := relocate.Follow(a.w.BaseDir); err != nil || now != a.w.DataDir {
			return errors.Join(err, &domain.Error{Kind: domain.KindUnavailable, Msg: "The data folder has just been moved.", Hint: "Start Inferometer again."})
		}
	}
	_, reaped := llama.ReapOrphans(a.w.DataDir)
	from, failed := a.w.DataDir, error(nil)
	if a.w.BaseDir != "" {
		var to string
		if to, failed = a.moveFolder(ctx); to != "" {
			moved, err := holdFolder(to)
			if err != nil {
				return err
			}
			if err := lock.Close(); err != nil {
				return errors.Join(err, moved.Close())
			}
			lock, a.w.DataDir = moved, to
		}
	}
	a.log = a.openLog()
	if reaped != nil {
		a.log.Warn("Cannot end an engine that an earlier start left behind", "error", reaped)
	}
	switch {
	case failed != nil:
		a.log.Error("The data folder was not moved", "error", failed)
	case from != a.w.DataDir:
		a.log.Info("The data folder was moved")
	}
	return nil
}

// moveFolder does a move whose time has come and says where to; empty: there was none, or it failed and the old
// place goes on.
func (a *App) moveFolder(ctx context.Context) (string, error) {
	to, err := relocate.Pending(a.w.DataDir)
	if err != nil || to == "" {
		return "", err
	}
	fmt.Fprintf(a.w.Env.Stderr, "Moving the data folder to %s\n", to)
	moved, err := relocate.Finish(ctx, a.moving())
	if err != nil {
		fmt.Fprintf(a.w.Env.Stderr, "It was not moved and goes on in %s: %v\n", a.w.DataDir, err)
		return "", err
	}
	fmt.Fprintf(a.w.Env.Stderr, "Moved. The old copy is still in %s; “inferometer storage remove-old” deletes it.\n", a.w.DataDir)
	return moved, nil
}

// moving says how this program moves its data folder.
func (a *App) moving() relocate.Options {
	return relocate.Options{Dir: a.w.DataDir, Base: a.w.BaseDir, Free: store.FreeBytes, Probe: probeFolder,
		Lock: func(dir string) (io.Closer, error) { return holdFolder(dir) }}
}

func (a *App) mover() *relocate.Mover { return relocate.New(a.moving()) }

// probeFolder opens the database of a folder once: not every disk can carry one.
func probeFolder(ctx context.Context, dir string) error {
	db, err := store.Open(ctx, filepath.Join(dir, databaseName))
	if err != nil {
		return err
	}
	return db.Close()
}

// holdFolder locks a data folder. The error is a *HeldError when another instance holds it.
func holdFolder(dir string) (io.Closer, error) {
	lock, held, err := lockFile(filepath.Join(dir, lockName))
	if err != nil {
		return nil, &domain.Error{Kind: domain.KindUnavailable, Err: err, Msg: "The data folder " + dir + " cannot be written.",
			Hint: "Make it yours and writable, or choose another one with --data-dir or INFEROMETER_DATA_DIR."}
	}
	if held {
		return nil, &HeldError{Dir: dir, Server: readServer(dir)}
	}
	return lock, nil
}

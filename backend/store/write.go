package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// Most jobs of one transaction: the first of them waits for all.
const groupSize = 256

// writer runs every write on one goroutine. It takes what is queued into one transaction, and so pays
// for one flush to disk, however many wait; it never waits for more to come.
type writer struct {
	db      *sql.DB // one connection; transactions begin IMMEDIATE
	folding folding
	jobs    chan *job
	once    sync.Once
	closing chan struct{}
	ended   chan struct{}
}

// job is one write. A job that fails leaves nothing behind and does not touch the others of its
// transaction; it may run a second time when the transaction is lost.
type job struct {
	op      string
	expired func() error // why nobody wants it any more
	run     func(*sql.Tx) error
	done    chan error
}

func (j *job) answer(err error) { j.done <- wrap(j.op, err) }

func startWriter(db *sql.DB, f folding) *writer {
	w := &writer{db: db, folding: f, jobs: make(chan *job), closing: make(chan struct{}), ended: make(chan struct{})}
	go w.loop()
	return w
}

// close ends the goroutine and waits for it. Whoever has not been taken yet is refused.
func (w *writer) close() {
	w.once.Do(func() { close(w.closing) })
	<-w.ended
}

func (w *writer) loop() {
	defer close(w.ended)
	for {
		select {
		case j := <-w.jobs:
			w.group(j, w.queued)
		case <-w.closing:
			return
		}
	}
}

// queued returns a job that waits already, or nil.
func (w *writer) queued() *job {
	select {
	case j := <-w.jobs:
		return j
	default:
		return nil
	}
}

// group runs first and what next returns in one transaction, and answers each of them.
func (w *writer) group(first *job, next func() *job) {
	ctx := context.Background() // of no single job: its end would take the others along
	tx, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		first.answer(err)
		return
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	var held []*job
	whole := true
	for j, n := first, 1; j != nil && whole; n++ {
		var ok bool
		if ok, whole = w.try(tx, j); ok {
			held = append(held, j)
		}
		if j = nil; n < groupSize && whole {
			j = next()
		}
	}
	if whole {
		if err = w.folding.fold(ctx, tx); err == nil {
			err = tx.Commit()
		}
	}
	if whole && (err == nil || len(held) == 1) {
		for _, j := range held {
			j.answer(err)
		}
		return
	}
	_ = tx.Rollback() // it is lost already, or its end failed
	for _, j := range held {
		w.group(j, func() *job { return nil })
	}
}

// try runs a job within a savepoint and answers it if it fails. The transaction is not whole any more
// if SQLite has given it up, as it may on a full disk.
func (w *writer) try(tx *sql.Tx, j *job) (ok, whole bool) {
	if err := j.expired(); err != nil {
		j.answer(err)
		return false, true
	}
	ctx := context.Background()
	if _, err := tx.ExecContext(ctx, "SAVEPOINT job"); err != nil {
		j.answer(err)
		return false, false
	}
	err := j.run(tx)
	if err == nil {
		if _, err = tx.ExecContext(ctx, "RELEASE job"); err == nil {
			return true, true
		}
	}
	_, undone := tx.ExecContext(ctx, "ROLLBACK TO job; RELEASE job")
	j.answer(err)
	return false, undone == nil
}

// errClosed is the answer of a closed store.
var errClosed = errors.New("the store is closed")

// oneTx hands f to the writer and waits for its end.
func (s *Store) oneTx(ctx context.Context, op string, f func(context.Context, *sql.Tx) error) error {
	j := &job{op: op, expired: ctx.Err, done: make(chan error, 1),
		run: func(tx *sql.Tx) error { return f(context.WithoutCancel(ctx), tx) }}
	select {
	case s.writer.jobs <- j:
		err := <-j.done
		if Damaged(err) {
			s.Suspect()
		}
		return err
	case <-ctx.Done():
		return wrap(op, ctx.Err())
	case <-s.writer.ended:
		return fmt.Errorf("%s: %w", op, errClosed)
	}
}

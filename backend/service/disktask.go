package service

import (
	"context"
	"errors"

	"github.com/inferometer/inferometer/backend/domain"
)

// Why a task on the disk ended before its end.
var (
	errStopped = &domain.Error{Kind: domain.KindConflict, Msg: "This was stopped.", Hint: "What was done until then stays done, and nothing is lost."}
	errGaveWay = &domain.Error{Kind: domain.KindConflict, Msg: "A benchmark began, so this was stopped.", Hint: "Do it again when nothing is measured."}
)

// diskTask is the one task on the whole database that goes on.
type diskTask struct {
	domain.StorageTask
	cancel context.CancelCauseFunc
}

// CancelStorageTask stops what works the whole database.
func (s *Service) CancelStorageTask(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.task == nil {
		return domain.Errorf(domain.KindNotFound, "Nothing works the whole database.")
	}
	s.task.cancel(errStopped)
	return nil
}

// StorageWork says what works the disk now; it is cheap to ask for again and again.
func (s *Service) StorageWork(context.Context) (domain.StorageWork, error) {
	out := domain.StorageWork{Movable: s.d.Mover.Movable(), Move: s.d.Mover.Move()}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.task != nil {
		task := s.task.StorageTask
		out.Task = &task
	}
	return out, nil
}

// onDisk does a task on the whole database: one at a time, not while anything is measured, and ended when a
// measurement begins or somebody stops it.
func onDisk[T any](ctx context.Context, s *Service, kind string, work func(ctx context.Context, tell func(done, total int64)) (T, error)) (T, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if err := s.beginTask(kind, cancel); err != nil {
		var none T
		return none, err
	}
	out, err := work(ctx, func(done, total int64) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.task.DoneBytes, s.task.TotalBytes = done, total
	})
	s.mu.Lock()
	s.task = nil
	s.mu.Unlock()
	var why *domain.Error
	if err != nil && errors.As(context.Cause(ctx), &why) {
		err = why
	}
	return out, err
}

func (s *Service) beginTask(kind string, cancel context.CancelCauseFunc) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy() {
		return errMeasuring()
	}
	if s.task != nil {
		return &domain.Error{Kind: domain.KindConflict, Msg: "Something else works the whole database already.", Hint: "Wait for it to end, or stop it."}
	}
	s.task = &diskTask{domain.StorageTask{Kind: kind, StartedAt: s.d.Now().UTC()}, cancel}
	return nil
}

// quietDisk refuses what works the disk while anything is measured.
func (s *Service) quietDisk() error {
	if s.measuring() {
		return errMeasuring()
	}
	return nil
}

func errMeasuring() error {
	return &domain.Error{Kind: domain.KindConflict, Msg: "This would disturb the benchmark that is running.", Hint: "Wait for it to end, or cancel it."}
}

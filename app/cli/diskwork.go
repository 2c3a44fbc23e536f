package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/inferometer/inferometer/backend/domain"
)

// workLook is how often work on the disk is looked at.
const workLook = 250 * time.Millisecond

func (e *env) move() *cobra.Command {
	return &cobra.Command{Use: "move PATH", Short: "Move the data folder: copy what is large now, the rest at the next start", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			to, err := filepath.Abs(args[0])
			if err != nil {
				return fmt.Errorf("storage move: %w", err)
			}
			return e.with(c.Context(), func(cl *Client) error {
				m, err := call[domain.Move](c.Context(), cl, http.MethodPost, storagePath+"/move", map[string]string{"path": to})
				if err == nil {
					err = e.copied(c.Context(), cl, &m)
				}
				if err != nil {
					return err
				}
				return e.printMove(m)
			})
		}}
}

// copied waits until what can be copied now is copied, and shows how far that is.
func (e *env) copied(ctx context.Context, cl *Client, m *domain.Move) error {
	tick := time.NewTicker(workLook)
	defer tick.Stop()
	p := progress{w: e.io.Err, rewrite: e.io.Terminal}
	defer p.end()
	for m.State == "copying" {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		w, err := call[domain.StorageWork](ctx, cl, http.MethodGet, storagePath+"/work", nil)
		if err != nil {
			return err
		}
		if w.Move == nil {
			return errors.New("storage move: it was taken back")
		}
		*m = *w.Move
		p.bytes(m.DoneBytes, m.TotalBytes)
	}
	return nil
}

// bytes prints how much of something is done.
func (p *progress) bytes(done, all int64) {
	if now := time.Now(); p.rewrite || now.Sub(p.last) >= plainEvery {
		p.last = now
		p.line(fmt.Sprintf("%s of %s", size(done), size(all)))
	}
}

func (e *env) printMove(m domain.Move) error {
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("print the move: %w", err)
	}
	return e.print(body, func(w io.Writer) error {
		if m.State == "failed" {
			fmt.Fprintln(w, m.Reason)
			return ErrReported
		}
		_, err := fmt.Fprintf(w, "Ready. The next start copies the rest and goes on in %s. “inferometer storage stay” takes it back.\n", m.To)
		return err
	})
}

func (e *env) stay() *cobra.Command {
	return &cobra.Command{Use: "stay", Short: "Leave the data folder where it is after all", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return show1(c.Context(), e, http.MethodDelete, storagePath+"/move", nil, say("The data folder stays; what was copied is gone."))
		}}
}

func (e *env) removeOld() *cobra.Command {
	return &cobra.Command{Use: "remove-old", Short: "Delete what a move of the data folder left in the old place", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return show1(c.Context(), e, http.MethodDelete, storagePath+"/old", nil, func(w io.Writer, o domain.OldData) error {
				_, err := fmt.Fprintf(w, "%s freed in %s.\n", size(o.Bytes), o.Dir)
				return err
			})
		}}
}

func (e *env) stop() *cobra.Command {
	return &cobra.Command{Use: "stop", Short: "Stop compacting, backing up or preparing to restore", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return show1(c.Context(), e, http.MethodDelete, storagePath+"/task", nil, say("Stopped."))
		}}
}

// shown makes a call that works the whole database, shows meanwhile how far that is, and prints its answer as T.
func shown[T any](ctx context.Context, e *env, path string, human func(io.Writer, T) error) error {
	return e.with(ctx, func(cl *Client) error {
		watch, done := context.WithCancel(ctx)
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			e.watchTask(watch, cl)
		}()
		raw, err := cl.Raw(ctx, http.MethodPost, path, nil)
		done()
		<-watched
		if err != nil {
			return err
		}
		return e.print(raw, func(w io.Writer) error {
			var v T
			if err := json.Unmarshal(raw, &v); err != nil {
				return fmt.Errorf("read answer: %w", err)
			}
			return human(w, v)
		})
	})
}

// watchTask shows how far a task on the whole database is until ctx ends. What cannot be asked is not shown.
func (e *env) watchTask(ctx context.Context, cl *Client) {
	tick := time.NewTicker(workLook)
	defer tick.Stop()
	p := progress{w: e.io.Err, rewrite: e.io.Terminal, last: time.Now()}
	defer p.end()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if w, err := call[domain.StorageWork](ctx, cl, http.MethodGet, storagePath+"/work", nil); err == nil && w.Task != nil && w.Task.TotalBytes > 0 {
			p.bytes(w.Task.DoneBytes, w.Task.TotalBytes)
		}
	}
}

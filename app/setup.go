package app

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/inferometer/inferometer/app/cli"
	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/library"
)

// install fetches engine and starter model into dir and tells how it goes.
func (h *host) install(ctx context.Context, dir, what string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make %s: %w", dir, err)
	}
	lib, err := library.New(library.Options{DataDir: dir})
	if err != nil {
		return err
	}
	var parts []string
	if what != "all" {
		parts = []string{what}
	}
	var state string
	err = lib.Install(ctx, dir, parts, func(d domain.Download) {
		if now := d.ID + d.State + d.Source; now != state {
			state = now
			fmt.Fprintln(h.env.Stderr, cli.DownloadLine(d))
		}
	})
	if err := errors.Join(err, lib.Close()); err != nil {
		return err
	}
	fmt.Fprintf(h.env.Stdout, "Engine and model are ready in %s\n", dir)
	return nil
}

//go:build !desktop && !dev && !bindings

package app

import (
	"context"
	"fmt"

	"github.com/inferometer/inferometer/app/cli"
)

const kindOfBuild = "without a window"

// Window implements cli.Host: this build has none, so it says so and serves.
func (h *host) Window(ctx context.Context, o cli.Options) error {
	fmt.Fprintln(h.env.Stderr, "This build has no window; serving the interface instead. Ctrl-C ends it.")
	return h.Serve(ctx, cli.ServeOptions{Options: o})
}

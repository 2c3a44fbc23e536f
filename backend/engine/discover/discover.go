// Package discover looks for servers of language models on this machine: at the ports where they
// usually listen, with a few reading requests. It never sends a generation, never leaves loopback,
// and never asks an address that it is told to skip.
package discover

import (
	"context"

	"github.com/inferometer/inferometer/backend/domain"
)

// Options narrow where Local looks.
type Options struct {
	Ports []int // empty: the usual ones
	// Skip reports addresses that are not asked, such as this program's own.
	Skip func(rawURL string) bool
}

// Local returns the servers that answer, by port.
func Local(ctx context.Context, o Options) []domain.Discovered {
	return []domain.Discovered{}
}

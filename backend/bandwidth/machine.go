package bandwidth

import (
	"context"
	"errors"
	"os"

	"github.com/inferometer/inferometer/backend/domain"
)

// Read measures this machine with so many threads, where so many bytes of memory are free.
func Read(ctx context.Context, free int64, threads int, done func(share float64)) (domain.Bandwidth, error) {
	size, err := Size(LastLevelCache(os.DirFS("/sys/devices/system/cpu")), free)
	if err != nil {
		return domain.Bandwidth{}, &domain.Error{Kind: domain.KindConflict, Err: err,
			Msg: "Too little memory is free to measure its bandwidth.", Hint: "Close other programs and measure again."}
	}
	r, err := Measure(ctx, size, threads, done)
	if errors.Is(err, ErrImpossible) {
		return domain.Bandwidth{}, &domain.Error{Kind: domain.KindInternal, Err: err,
			Msg: "The memory bandwidth that was read is impossible, so it is not kept.", Hint: "Measure again."}
	}
	if err != nil {
		return domain.Bandwidth{}, err
	}
	return domain.Bandwidth{GBPerS: r.Best, Rounds: r.Rounds, Threads: threads, Bytes: size}, nil
}

package workload

import (
	"errors"

	"github.com/inferometer/inferometer/backend/domain"
)

// InOrder returns a source over ps as they stand, round again after the last: a trace is replayed
// as it was recorded.
func InOrder(ps []domain.Prompt) Source { return inOrder(ps) }

type inOrder []domain.Prompt

// Len implements Source.
func (s inOrder) Len() int { return len(s) }

// Prompt implements Source.
func (s inOrder) Prompt(n int) (domain.Prompt, error) {
	if len(s) == 0 || n < 0 {
		return domain.Prompt{}, errors.New("take prompt: there is none with this number")
	}
	return s[n%len(s)], nil
}

package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"sync"
)

// Token is the secret that lets callers in who are not the same user of this machine. A nil one lets nobody in.
type Token struct {
	mu  sync.Mutex
	sum [sha256.Size]byte
	set bool
	// callers are the requests under way of those who were let in by a secret.
	callers map[*context.CancelFunc]struct{}
}

// NewToken takes the secret; an empty one lets nobody in.
func NewToken(secret string) *Token {
	t := &Token{callers: map[*context.CancelFunc]struct{}{}}
	t.sum, t.set = sha256.Sum256([]byte(secret)), secret != ""
	return t
}

// Replace puts a new secret in place of the old one and ends what those do who were let in by that.
func (t *Token) Replace(secret string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sum, t.set = sha256.Sum256([]byte(secret)), secret != ""
	for end := range t.callers {
		(*end)()
	}
	clear(t.callers)
}

// is compares in constant time. Hashes are of one length, so that it does not tell the secret's.
func (t *Token) is(secret string) bool {
	if t == nil {
		return false
	}
	sum := sha256.Sum256([]byte(secret))
	t.mu.Lock()
	defer t.mu.Unlock()
	return subtle.ConstantTimeCompare(sum[:], t.sum[:]) == 1 && t.set
}

// during returns a context that ends when the secret is replaced; done must be called at the end.
func (t *Token) during(parent context.Context) (ctx context.Context, done func()) {
	ctx, cancel := context.WithCancel(parent)
	if t == nil {
		return ctx, cancel
	}
	t.mu.Lock()
	t.callers[&cancel] = struct{}{}
	t.mu.Unlock()
	return ctx, func() {
		t.mu.Lock()
		delete(t.callers, &cancel)
		t.mu.Unlock()
		cancel()
	}
}

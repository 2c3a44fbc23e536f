package library

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	connectTimeout = 5 * time.Second  // then the next source is tried
	headerTimeout  = 15 * time.Second // from request to the answer's head
	stallTimeout   = 30 * time.Second // without a byte
	resumeTries    = 3                // after a broken connection, as long as bytes arrive
	maxTransfer    = int64(200) << 30
	spareBytes     = int64(64) << 20
)

func newHTTPClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSHandshakeTimeout:   connectTimeout,
		ResponseHeaderTimeout: headerTimeout,
		ForceAttemptHTTP2:     true,
		DisableCompression:    true,
	}}
}

// fetchURL brings a file of known sha256 to part, going on where an earlier try stopped, and
// leaves it verified.
func (l *Library) fetchURL(ctx context.Context, s Source, part string, t *tracker) error {
	if err := os.MkdirAll(filepath.Dir(part), 0o700); err != nil {
		return fmt.Errorf("create folder: %w", err)
	}
	for try := 0; ; try++ {
		before := sizeOf(part)
		err := l.fetchOnce(ctx, s, part, t)
		if err == nil {
			break
		}
		var refused *statusError
		if ctx.Err() != nil || errors.As(err, &refused) || domain.KindOf(err) != domain.KindInternal ||
			try >= resumeTries || sizeOf(part) <= before {
			return err
		}
		l.log.Info("Download interrupted, resuming", "url", s.URL, "error", err)
	}
	t.state(stateVerifying, "")
	sum, err := sha256File(ctx, part)
	if err != nil {
		return err
	}
	if sum != s.SHA256 {
		_ = os.Remove(part)
		return &domain.Error{Kind: domain.KindUnavailable, Msg: "The download's checksum is wrong; it was discarded."}
	}
	return nil
}

type statusError struct{ code int }

func (e *statusError) Error() string {
	return fmt.Sprintf("the server answered %d %s", e.code, http.StatusText(e.code))
}

func (l *Library) fetchOnce(ctx context.Context, s Source, part string, t *tracker) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
	if err != nil {
		return fmt.Errorf("build request: %w", err)
	}
	have := sizeOf(part)
	if s.Size > 0 && have > s.Size {
		_ = os.Remove(part)
		have = 0
	}
	if have > 0 {
		if have == s.Size {
			return nil
		}
		req.Header.Set("Range", "bytes="+strconv.FormatInt(have, 10)+"-")
	}
	res, err := l.client.Do(req)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	switch {
	case res.StatusCode == http.StatusPartialContent && rangeStartsAt(res, have):
	case res.StatusCode == http.StatusOK:
		have, flags = 0, os.O_WRONLY|os.O_CREATE|os.O_TRUNC
	case res.StatusCode == http.StatusRequestedRangeNotSatisfiable && have > 0:
		// Either everything is here or the rest is of something else: the checksum tells.
		return nil
	default:
		return &statusError{res.StatusCode}
	}
	total := s.Size
	if total == 0 && res.ContentLength > 0 {
		total = have + res.ContentLength
	}
	if err := enoughSpace(filepath.Dir(part), total-have); err != nil {
		return err
	}
	t.begin(have, total)
	f, err := os.OpenFile(part, flags, 0o600) // #nosec G304 -- a file of the person's own choice, or one that the program made
	if err != nil {
		return fmt.Errorf("open part file: %w", err)
	}
	limit := maxTransfer
	if total > 0 {
		limit = total
	}
	err = copyWatched(f, res.Body, have, limit, t, cancel)
	return errors.Join(err, f.Close())
}

// copyWatched copies, counts, and calls stop when no byte has come for stallTimeout.
func copyWatched(dst io.Writer, src io.Reader, have, limit int64, t *tracker, stop func()) error {
	stall := time.AfterFunc(stallTimeout, stop)
	defer stall.Stop()
	buf := make([]byte, 256<<10)
	for {
		n, err := src.Read(buf)
		if n > 0 {
			stall.Reset(stallTimeout)
			if have += int64(n); have > limit {
				return errors.New("the server sent more than announced")
			}
			if _, err := dst.Write(buf[:n]); err != nil {
				return fmt.Errorf("write part file: %w", err)
			}
			t.set(have)
		}
		if errors.Is(err, io.EOF) {
			if limit != maxTransfer && have < limit {
				return io.ErrUnexpectedEOF
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("read from server: %w", err)
		}
	}
}

func rangeStartsAt(res *http.Response, at int64) bool {
	return strings.HasPrefix(res.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", at))
}

func sizeOf(path string) int64 {
	st, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return st.Size()
}

// enoughSpace refuses when need bytes do not fit on the disk that holds dir.
func enoughSpace(dir string, need int64) error {
	free, ok := freeBytes(dir)
	if !ok || need <= 0 || free >= need+spareBytes {
		return nil
	}
	return &domain.Error{Kind: domain.KindConflict,
		Msg:  fmt.Sprintf("Not enough disk space: %.1f GB needed, %.1f GB free.", float64(need+spareBytes)/1e9, float64(free)/1e9),
		Hint: "Free some space, or choose another folder in the settings."}
}

// sha256File hashes a file and stops when ctx ends.
func sha256File(ctx context.Context, path string) (string, error) {
	f, err := os.Open(path) // #nosec G304 -- a file of the person's own choice, or one that the program made
	if err != nil {
		return "", fmt.Errorf("open to hash: %w", err)
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	buf := make([]byte, 1<<20)
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := f.Read(buf)
		h.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(h.Sum(nil)), nil
		}
		if err != nil {
			return "", fmt.Errorf("read to hash: %w", err)
		}
	}
}

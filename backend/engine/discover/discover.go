// Package discover looks for servers of language models on this machine: at the ports where they
// usually listen, with a few reading requests. It never sends a generation or a key, never leaves
// loopback, never follows a redirect, and never asks an address that it is told to skip.
package discover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	// askTimeout bounds all questions to one port.
	askTimeout = 600 * time.Millisecond
	maxBody    = 1 << 20
)

// usualPorts are where servers listen unless told otherwise: Ollama, LM Studio, llama-server, and
// vLLM with many others.
func usualPorts() []int { return []int{11434, 1234, 8080, 8000} }

// Options narrow where Local looks.
type Options struct {
	Ports []int // empty: the usual ones
	// Skip reports addresses that are not asked, such as this program's own. It is called with each
	// name of a port's address before any connection is made; one of them is enough. May be nil.
	Skip func(rawURL string) bool
}

// Local returns the servers that answer, in the order of the ports.
func Local(ctx context.Context, o Options) []domain.Discovered {
	ports := o.Ports
	if len(ports) == 0 {
		ports = usualPorts()
	}
	transport := &http.Transport{DisableKeepAlives: true}
	client := &http.Client{Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	found := make([]*domain.Discovered, len(ports))
	var all sync.WaitGroup
	for i, port := range ports {
		if o.skips(port) {
			continue
		}
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, askTimeout)
			defer cancel()
			s := server{client: client, root: "http://127.0.0.1:" + strconv.Itoa(port)}
			found[i] = s.look(ctx)
		})
	}
	all.Wait()
	transport.CloseIdleConnections()
	out := []domain.Discovered{}
	for _, d := range found {
		if d != nil {
			out = append(out, *d)
		}
	}
	return out
}

func (o Options) skips(port int) bool {
	if o.Skip == nil {
		return false
	}
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]"} {
		if o.Skip("http://" + host + ":" + strconv.Itoa(port)) {
			return true
		}
	}
	return false
}

// server is one address that is asked.
type server struct {
	client *http.Client
	root   string // without a path
}

// answer is what a server said to one question.
type answer struct {
	status int
	header http.Header
	body   []byte
}

var errTooLarge = errors.New("the answer is too large")

// get asks one path. A body that is too large for any answer we look for is an error.
func (s server) get(ctx context.Context, path string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.root+path, nil)
	if err != nil {
		return answer{}, fmt.Errorf("build request: %w", err)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return answer{}, fmt.Errorf("ask %s: %w", path, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err != nil {
		return answer{}, fmt.Errorf("read %s: %w", path, err)
	}
	if len(body) > maxBody {
		return answer{}, fmt.Errorf("read %s: %w", path, errTooLarge)
	}
	return answer{status: res.StatusCode, header: res.Header, body: body}, nil
}

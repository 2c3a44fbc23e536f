package scrape

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	// Every is how often an address is asked: exporters take their own readings about that often.
	Every    = time.Second
	deadline = 2 * time.Second
)

// Scraper asks addresses for their metrics, each on its own, so that one that hangs holds up no other.
type Scraper struct {
	client *http.Client
	known  map[string]gauge
	wait   sync.WaitGroup
	cancel context.CancelFunc

	mu    sync.Mutex
	fresh []domain.RemoteSample
}

// Start begins to ask the addresses every second until Stop is called or ctx ends.
func Start(ctx context.Context, addresses []string) *Scraper {
	ctx, cancel := context.WithCancel(ctx)
	s := &Scraper{client: newClient(), known: families(), cancel: cancel}
	for _, address := range addresses {
		s.wait.Go(func() { s.follow(ctx, address) })
	}
	return s
}

// newClient follows no redirect: it would lead to an address that nobody named.
func newClient() *http.Client {
	return &http.Client{Timeout: deadline, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 1, DisableCompression: false}}
}

// Stop ends all asking and waits for it.
func (s *Scraper) Stop() {
	s.cancel()
	s.wait.Wait()
	s.client.CloseIdleConnections()
}

// Fresh returns what came since the call before, oldest first; nil when nothing did. It never waits
// for an address.
func (s *Scraper) Fresh() []domain.RemoteSample {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := s.fresh
	s.fresh = nil
	now := time.Now()
	for i := range fresh {
		fresh[i].AgeMs = float64(now.Sub(fresh[i].Timestamp).Microseconds()) / 1000
	}
	return fresh
}

func (s *Scraper) follow(ctx context.Context, address string) {
	var before page
	tick := time.NewTicker(Every)
	defer tick.Stop()
	for {
		sample, now := s.ask(ctx, address, before)
		if ctx.Err() != nil {
			return // what was cut off says nothing
		}
		before = now
		s.mu.Lock()
		s.fresh = append(s.fresh, sample)
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// ask reads one address. A failure is a sample without readings that says why; rates then begin anew.
func (s *Scraper) ask(ctx context.Context, address string, before page) (domain.RemoteSample, page) {
	out := domain.RemoteSample{Source: Source(address), GPUs: []domain.GPUSample{}}
	p, err := s.get(ctx, address)
	out.Timestamp = time.Now()
	if err != nil {
		out.Error = reason(err)
		return out, page{}
	}
	p.sample(&out, before)
	return out, p
}

func (s *Scraper) get(ctx context.Context, address string) (page, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return page{}, err
	}
	req.Header.Set("Accept", "text/plain;version=0.0.4, */*;q=0.1")
	res, err := s.client.Do(req)
	if err != nil {
		return page{}, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return page{}, statusError(res.StatusCode)
	}
	if kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err == nil && kind == "text/html" {
		return page{}, errors.New("it is a web page, not metrics")
	}
	p, err := read(res.Body, time.Now(), s.known)
	switch {
	case err != nil:
		return page{}, err
	case p.empty():
		return page{}, errors.New("none of its metrics is known here")
	}
	return p, nil
}

type statusError int

func (e statusError) Error() string { return fmt.Sprintf("it answered HTTP %d", int(e)) }

// reason is a failure in plain words, without the address.
func reason(err error) string {
	var ue *url.Error
	if errors.As(err, &ue) {
		if ue.Timeout() {
			return "It gave no answer within 2 s."
		}
		err = ue.Err
	}
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// Check asks each address twice, a second apart, so that rates are there, and returns the second
// answers, or the first failure of an address.
func Check(ctx context.Context, addresses []string) []domain.RemoteSample {
	s := &Scraper{client: newClient(), known: families()}
	defer s.client.CloseIdleConnections()
	out := make([]domain.RemoteSample, len(addresses))
	var wait sync.WaitGroup
	for i, address := range addresses {
		wait.Go(func() {
			first, before := s.ask(ctx, address, page{})
			out[i] = first
			if first.Error != "" {
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(Every):
				out[i], _ = s.ask(ctx, address, before)
			}
		})
	}
	wait.Wait()
	return out
}

// Source names an address as charts show it: host and port, and the path where it is not the usual
// one; never a password or a query.
func Source(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	if u.Path == "/metrics" || u.Path == "" || u.Path == "/" {
		return u.Host
	}
	return u.Host + u.Path
}

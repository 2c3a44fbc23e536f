package llama

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	pollFast   = 25 * time.Millisecond // while a small model loads
	pollSlow   = 200 * time.Millisecond
	fastFor    = 3 * time.Second
	askTimeout = 10 * time.Second
	noteEvery  = time.Second
)

var errNotReady = errors.New("not ready")

// await polls the child's health until it is ready, and reads back what is in force.
func (e *Engine) await(ctx context.Context, c *child, set setup, s domain.EngineSpec,
	note func(string, *float64)) (domain.EngineInfo, *face, error) {
	base := "http://127.0.0.1:" + strconv.Itoa(c.port)
	// Its own client: an idle connection of ours would hold one of the server's threads.
	client := &http.Client{Timeout: askTimeout, Transport: &http.Transport{DisableKeepAlives: true}}
	limit := time.NewTimer(e.opts.StartTimeout)
	defer limit.Stop()
	noted := time.Time{}
	for {
		if time.Since(noted) >= noteEvery {
			noted = time.Now()
			note("Loading the model", nil)
		}
		if err := healthOf(ctx, client, base); err == nil {
			break
		}
		pause := pollFast
		if time.Since(c.begun) > fastFor {
			pause = pollSlow
		}
		tick := time.NewTimer(pause)
		select {
		case <-tick.C:
			continue
		case <-c.done:
			tick.Stop()
			return domain.EngineInfo{}, nil, e.failure(c, "while it loaded the model")
		case <-ctx.Done():
			tick.Stop()
			return domain.EngineInfo{}, nil, fmt.Errorf("start engine: %w", context.Cause(ctx))
		case <-limit.C:
			tick.Stop()
			return domain.EngineInfo{}, nil, &domain.Error{Kind: domain.KindTimeout,
				Msg:     fmt.Sprintf("llama-server was not ready after %v.", e.opts.StartTimeout),
				Hint:    "The machine may be overloaded, or the model too large for its memory.",
				LogTail: joinTail(e.log.lines(), tailLines)}
		}
	}
	loaded := float64(time.Since(c.begun).Microseconds()) / 1000
	face, err := newFace(base, c.key, 0)
	if err != nil {
		return domain.EngineInfo{}, nil, err
	}
	props, err := face.props(ctx)
	if err != nil {
		if c.gone() {
			err = e.failure(c, "right after it loaded the model")
		}
		return domain.EngineInfo{}, nil, err
	}
	select {
	case c.healthy <- struct{}{}:
		<-c.ready
	case <-c.done:
		return domain.EngineInfo{}, nil, e.failure(c, "right after it loaded the model")
	}
	note("Ready", new(1.0))
	return e.inForce(c, set, s, props, loaded), face, nil
}

// healthOf returns nil when the server is ready for requests.
func healthOf(ctx context.Context, client *http.Client, base string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/health", nil)
	if err != nil {
		return fmt.Errorf("build request: %w", err)
	}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("ask health: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return errNotReady
	}
	return nil
}

// inForce says what the ready child really runs with.
func (e *Engine) inForce(c *child, set setup, s domain.EngineSpec, p props, loadMs float64) domain.EngineInfo {
	info := domain.EngineInfo{
		Kind: "llama-server", Build: e.opts.Build, Source: e.opts.Source,
		BinaryPath: e.opts.Binary, BinarySHA256: e.opts.SHA256, ModelSHA256: s.Model.SHA256,
		Args: clean(c.args, s.Model.Path, filepath.Base(s.Model.Path)),
		PID:  c.pid, Threads: set.threads, ContextTokens: set.context, Slots: set.slots,
		LoadMs: &loadMs, ExactLength: true, CacheOff: true, Tokenizer: true, Version: p.BuildInfo,
	}
	if info.Build == "" {
		info.Build = p.BuildInfo
	}
	if p.TotalSlots > 0 {
		info.Slots = p.TotalSlots
	}
	if p.Settings.NCtx > 0 {
		info.ContextTokens = p.Settings.NCtx
	}
	lines := e.log.lines()
	info.GPUUsed, info.GPUReason = gpuInForce(set, lines)
	if info.GPUUsed != nil && *info.GPUUsed {
		info.GPULayers, info.Layers = layersOnGPU(lines)
	}
	return info
}

var (
	bufferPattern  = regexp.MustCompile(`\b([A-Za-z]+[0-9]+) model buffer size`)
	offloadPattern = regexp.MustCompile(`offloaded (\d+)/(\d+) layers to GPU`)
)

// gpuInForce reads from the log whether weights lie on a GPU. The line about offloaded layers
// alone proves nothing: builds without any device print it too.
func gpuInForce(set setup, log []string) (*bool, string) {
	if !set.gpu {
		return new(false), set.gpuReason
	}
	var on []string
	reason := ""
	for _, line := range log {
		if m := bufferPattern.FindStringSubmatch(line); m != nil &&
			slices.Contains(set.devices, m[1]) && !slices.Contains(on, m[1]) {
			on = append(on, m[1])
		}
		if m := offloadPattern.FindStringSubmatch(line); m != nil && m[1] != m[2] {
			reason = fmt.Sprintf("only %s of %s layers are on the GPU", m[1], m[2])
		}
	}
	if len(on) == 0 {
		return nil, "the engine's log does not say whether the GPU holds the model"
	}
	if reason == "" {
		reason = "model on " + strings.Join(on, ", ")
	}
	return new(true), reason
}

// layersOnGPU reads how many layers of how many the log says were offloaded; nil when it does not.
func layersOnGPU(log []string) (on, all *int) {
	for _, line := range log {
		if m := offloadPattern.FindStringSubmatch(line); m != nil {
			a, errA := strconv.Atoi(m[1])
			b, errB := strconv.Atoi(m[2])
			if errA == nil && errB == nil {
				on, all = &a, &b
			}
		}
	}
	return on, all
}

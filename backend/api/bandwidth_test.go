package api

import (
	"net/http"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func TestMemoryBandwidth(t *testing.T) {
	w := newWorld(t, false)
	if p := w.call(http.MethodPost, base+"/system/bandwidth", nil).problem(http.StatusConflict); p.Hint == "" {
		t.Errorf("a busy machine: %+v", p)
	}
	w.sampler.quiet = true
	if s := decode[domain.System](w.get(base + "/system").want(http.StatusOK)); s.Bandwidth != nil {
		t.Errorf("before it was measured: %+v", s.Bandwidth)
	}
	b := decode[domain.Bandwidth](w.call(http.MethodPost, base+"/system/bandwidth", nil).want(http.StatusOK))
	if b.GBPerS != 25 || b.Threads != 1 || b.MeasuredAt.IsZero() {
		t.Errorf("%+v", b)
	}
	if s := decode[domain.System](w.get(base + "/system").want(http.StatusOK)); s.Bandwidth == nil || s.Bandwidth.GBPerS != 25 {
		t.Errorf("after it was measured: %+v", s.Bandwidth)
	}
	for _, body := range []string{`{"threads":0}`, `{"threads":4096}`, `{"threads":"all"}`} {
		if p := w.call(http.MethodPost, base+"/system/bandwidth", body).problem(http.StatusUnprocessableEntity); p.Errors[0].Location != "body.threads" {
			t.Errorf("%s: %+v", body, p)
		}
	}
}

//go:build acceptance

package acceptance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// paced is an endpoint that sends a token each so many ms.
func paced(t *testing.T, gap time.Duration) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !strings.HasSuffix(req.URL.Path, "/chat/completions") {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"object":"list","data":[{"id":"far","object":"model"}]}`)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		tick := time.NewTicker(gap)
		defer tick.Stop()
		for range 16 {
			<-tick.C
			fmt.Fprint(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"}}]}\n\n")
			w.(http.Flusher).Flush()
		}
		fmt.Fprint(w, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n",
			"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":16,\"total_tokens\":21}}\n\ndata: [DONE]\n\n")
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// A slow-down of 20 % at an endpoint is proven by an experiment and fails the gate; the same endpoint against
// itself does not.
func TestGate(t *testing.T) {
	p := newPlace(t)
	fast, slow := paced(t, 10*time.Millisecond), paced(t, 12*time.Millisecond)
	measure := func(name, url string) domain.Experiment {
		out := p.cli("ab", "--model", "far", "--prompt", "Say hello.", "--max-tokens", "16", "--requests", "2", "--warmup", "0", "--name", name,
			"--arm", "old: endpoint="+fast, "--arm", "new: endpoint="+url, "--seed", "11", "--pairs", "10", "--json").want(t, 0)
		var x domain.Experiment
		must(t, json.Unmarshal([]byte(out.out), &x))
		if x.Total != 20 || x.Done != 20 || x.Comparison == nil || !x.Comparison.Paired {
			t.Fatalf("%+v", x)
		}
		t.Logf("%s: %s", name, x.Comparison.Sentence)
		return x
	}
	same, worse := measure("same", fast), measure("slower", slow)
	out := p.cli("gate", worse.ID).want(t, 1)
	if !strings.Contains(out.out, "Regression: decode_tokens_per_second: new is worse than old") || !strings.Contains(out.out, "new is slower than old") {
		t.Errorf("%s", out.out)
	}
	if out := p.cli("gate", same.ID).want(t, 0); !strings.Contains(out.out, "No regression was proven.") {
		t.Errorf("%s", out.out)
	}
	ids := func(x domain.Experiment, arm int) string {
		var list []string
		for _, r := range x.Runs {
			if r.Arm == arm {
				list = append(list, string(r.ID))
			}
		}
		return strings.Join(list, ",")
	}
	p.cli("gate", ids(worse, 0), ids(worse, 1)).want(t, 1)
	p.cli("gate", "none").want(t, 3)
	p.cli("gate", ids(same, 0), "none").want(t, 3)
	p.cli("gate").want(t, 2)
	if out := p.cli("compare", ids(worse, 0), ids(worse, 1)).want(t, 0); !strings.Contains(out.out, "What differs") {
		t.Errorf("%s", out.out)
	}
	if out := p.cli("experiments").want(t, 0); !strings.Contains(out.out, "slower") || !strings.Contains(out.out, "20 of 20") {
		t.Errorf("%s", out.out)
	}
}

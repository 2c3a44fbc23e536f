//go:build acceptance

package acceptance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// remote is an OpenAI-compatible endpoint that counts what it is asked.
type remote struct {
	*httptest.Server
	mu          sync.Mutex
	generations []object    // bodies, in order
	ended       []time.Time // when each answer was complete
	other       []string    // other calls
}

const remoteText = "azure-marker-91"

func newRemote(t *testing.T) *remote {
	r := &remote{}
	r.Server = httptest.NewServer(http.HandlerFunc(r.answer))
	t.Cleanup(r.Close)
	return r
}

func (r *remote) answer(w http.ResponseWriter, req *http.Request) {
	if !strings.HasSuffix(req.URL.Path, "/chat/completions") {
		r.mu.Lock()
		r.other = append(r.other, req.Method+" "+req.URL.Path)
		r.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"object":"list","data":[{"id":"far","object":"model"}]}`)
		return
	}
	var asked object
	_ = json.NewDecoder(req.Body).Decode(&asked) // an empty one shows in the test
	w.Header().Set("Content-Type", "text/event-stream")
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for range 8 {
		<-tick.C
		fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s \"}}]}\n\n", remoteText)
		w.(http.Flusher).Flush()
	}
	fmt.Fprint(w, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n",
		"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":8,\"total_tokens\":13}}\n\ndata: [DONE]\n\n")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.generations, r.ended = append(r.generations, asked), append(r.ended, time.Now())
}

func (r *remote) asked() []object {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]object{}, r.generations...)
}

func (r *remote) end(n int) (time.Time, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n < len(r.ended) {
		return r.ended[n], true
	}
	return time.Time{}, false
}

// add registers the endpoint and returns the fields that a benchmark of it needs.
func (r *remote) add(s *server) string {
	s.t.Helper()
	e := s.post(api+"/endpoints", `{"base_url":"`+r.URL+`/v1","name":"far"}`).want(http.StatusCreated).object()
	return fmt.Sprintf(`"model_id":"far","endpoint_id":"%s"`, e["id"])
}

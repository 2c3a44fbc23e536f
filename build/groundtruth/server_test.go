//go:build linux

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// start runs a server until the test ends.
func start(t *testing.T) string {
	t.Helper()
	s, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var end sync.WaitGroup
	end.Go(func() {
		runtime.LockOSThread() // and never unlocked: its timers must not serve others
		if err := s.serve(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { s.stop(); end.Wait() })
	return "http://" + s.addr
}

func call(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func set(t *testing.T, url, config string) {
	t.Helper()
	if code, body := call(t, "POST", url+"/_mock/config?base=default", config); code != 200 {
		t.Fatalf("config: %d %s", code, body)
	}
}

func logOf(t *testing.T, url string) []record {
	t.Helper()
	_, body := call(t, "GET", url+"/_mock/log", "")
	var out []record
	for dec := json.NewDecoder(strings.NewReader(body)); dec.More(); {
		var r record
		if err := dec.Decode(&r); err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// ask sends a streamed request and returns what came and how it ended.
func ask(t *testing.T, url, path string) (*http.Response, string, error) {
	t.Helper()
	body := `{"model":"mock","stream":true,"max_tokens":8,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"one two"}],"prompt":"one two"}`
	res, err := http.Post(url+path, "application/json", strings.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res, string(b), err
}

// A raw client reads every token after the log says that it was sent, and soon after.
func TestLogAgainstRawClient(t *testing.T) {
	url := start(t)
	set(t, url, `{"ttft_ms":20,"itl_ms":4,"role_chunk":"none"}`)
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	body := `{"model":"mock","stream":true,"max_tokens":40,"messages":[]}`
	asked := now()
	fmt.Fprintf(c, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	var came []int64
	buf := make([]byte, 64<<10)
	for all := []byte(nil); !bytes.Contains(all, []byte("[DONE]")); {
		n, err := c.Read(buf)
		at := now()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, buf[:n]...)
		for range bytes.Count(buf[:n], []byte(`"content":" `)) {
			came = append(came, at)
		}
	}
	r := logOf(t, url)[0]
	if len(came) != 40 || len(r.Sends) != 40 || r.Tokens != 40 || r.Outcome != "ok" {
		t.Fatalf("%d tokens came, the log has %+v", len(came), r)
	}
	if r.Recv < asked || r.First != r.Recv+r.Sends[0] || r.Last != r.Recv+r.Sends[39] {
		t.Errorf("asked at %d, log %+v", asked, r)
	}
	var late []int64
	for i, at := range came {
		sent := r.Recv + r.Sends[i]
		if at < sent {
			t.Errorf("token %d came %d ns before it was sent", i, sent-at)
		}
		late = append(late, at-sent)
	}
	slices.Sort(late)
	if median := time.Duration(late[20]); median > 5*time.Millisecond {
		t.Errorf("the median token came %v after its send", median)
	}
}

// No token is sent before its planned time, and the log tells the worst lateness.
func TestPlanAgainstLog(t *testing.T) {
	url := start(t)
	for _, config := range []string{`{"ttft_ms":30,"itl_ms":3}`, `{"ttft_ms":30,"itl_ms":3,"split_write":true}`, `{"ttft_ms":30,"itl_ms":3,"coalesce":2,"events_per_write":2}`} {
		set(t, url, config)
		var users sync.WaitGroup
		for range 8 {
			users.Go(func() {
				if _, _, err := ask(t, url, "/v1/completions"); err != nil {
					t.Error(err)
				}
			})
		}
		users.Wait()
		group := 1
		if strings.Contains(config, "coalesce") {
			group = 4
		}
		for _, r := range logOf(t, url) {
			worst := int64(0)
			for i, at := range r.Sends {
				late := at - int64(30e6+3e6*float64(i/group*group))
				if late < 0 {
					t.Errorf("%s: token %d was sent %d ns early", config, i, -late)
				}
				worst = max(worst, late)
			}
			if len(r.Sends) != 8 || worst != r.Late {
				t.Errorf("%s: %d sends, worst lateness %d ns, the log says %d", config, len(r.Sends), worst, r.Late)
			}
		}
	}
}

func TestTraps(t *testing.T) {
	for _, x := range []struct {
		name, config, outcome string
		has, lacks            []string
	}{
		{"plain", ``, "ok", []string{`"role":"assistant"`, `"completion_tokens":8,`, `"finish_reason":"length"`, "data: [DONE]\n\n"}, []string{"\r", ": ping"}},
		{"no usage", `,"usage":"never"`, "ok", []string{"[DONE]"}, []string{"usage"}},
		{"lying usage", `,"usage_delta":8`, "ok", []string{`"completion_tokens":16`}, nil},
		{"no role", `,"role_chunk":"none"`, "ok", nil, []string{"assistant"}},
		{"reasoning", `,"reasoning":3`, "ok", []string{`"reasoning_content":" the"`, `"content":" over"`}, []string{`"content":" runs"`}},
		{"coalesce", `,"coalesce":3`, "ok", []string{`"content":" the river runs"`, `"content":" and we"`}, nil},
		{"lines and comments", `,"crlf":true,"ping":2`, "ok", []string{"data: [DONE]\r\n\r\n", ": ping\r\n\r\n"}, []string{"}\n"}},
		{"error event", `,"mid_err_rate":1`, "mid_error", []string{`"content":" the"`, `data: {"error":`}, []string{"[DONE]", "stones"}},
		{"http error", `,"err_rate":1,"err_status":429,"retry_after_s":7`, "http_error", []string{"planned error"}, []string{"data:"}},
		{"reset", `,"drop_rate":1,"stall_at":3`, "drop", nil, []string{"[DONE]"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			url := start(t)
			set(t, url, `{"ttft_ms":5,"itl_ms":1`+x.config+`}`)
			res, body, err := ask(t, url, "/v1/chat/completions")
			if reset := errors.Is(err, syscall.ECONNRESET); reset != (x.outcome == "drop") || err != nil && !reset {
				t.Fatalf("the answer ended with %v", err)
			}
			if x.outcome == "http_error" && (res.StatusCode != 429 || res.Header.Get("Retry-After") != "7") {
				t.Errorf("the answer is %d %v", res.StatusCode, res.Header)
			}
			for _, text := range x.has {
				if !strings.Contains(body, text) {
					t.Errorf("no %q in %s", text, body)
				}
			}
			for _, text := range x.lacks {
				if strings.Contains(body, text) {
					t.Errorf("%q in %s", text, body)
				}
			}
			if r := logOf(t, url)[0]; r.Outcome != x.outcome || x.outcome == "drop" && r.Tokens != 3 {
				t.Errorf("the log has %+v", r)
			}
		})
	}
}

func TestSlotsAndStall(t *testing.T) {
	url := start(t)
	set(t, url, `{"ttft_ms":10,"itl_ms":2,"slots":1,"stall_rate":0.5,"stall_ms":60,"stall_at":4}`)
	var users sync.WaitGroup
	for range 4 {
		users.Go(func() {
			if _, _, err := ask(t, url, "/v1/completions"); err != nil {
				t.Error(err)
			}
		})
	}
	users.Wait()
	rs := logOf(t, url)
	slices.SortFunc(rs, func(a, b record) int { return int(a.First - b.First) })
	stalled := 0
	for i, r := range rs {
		if i > 0 && r.First < rs[i-1].Last+10e6 {
			t.Errorf("request %d began before the slot was free", i)
		}
		if r.StalledAt == 4 && r.Sends[4]-r.Sends[0] >= 68e6-r.Late {
			stalled++
		}
	}
	var sum summary
	_, body := call(t, "GET", url+"/_mock/summary", "")
	if err := json.Unmarshal([]byte(body), &sum); err != nil {
		t.Fatal(err)
	}
	if stalled != 2 || sum.Peak != 1 || sum.Outcomes["ok"] != 4 || sum.Tokens != 32 || sum.ITL.N != 28 {
		t.Errorf("%d stalled, summary %s", stalled, body)
	}
}

// One connection carries requests after each other, and a client that leaves is told.
func TestConnection(t *testing.T) {
	url := start(t)
	set(t, url, `{"ttft_ms":10,"itl_ms":5}`)
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	for range 2 {
		body := `{"model":"m","stream":true,"max_tokens":3,"prompt":"a"}`
		half := len(body) / 2
		fmt.Fprintf(c, "POST /v1/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:half])
		fmt.Fprint(c, body[half:])
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(res.Body); err != nil || !strings.Contains(string(b), `"text":" runs"`) && !strings.Contains(string(b), `"text":" over"`) {
			t.Errorf("the answer is %s, %v", b, err)
		}
	}
	body := `{"model":"m","stream":true,"max_tokens":1000}`
	fmt.Fprintf(c, "POST /v1/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	c.Close()
	for end := time.Now().Add(10 * time.Second); ; {
		rs := logOf(t, url)
		if len(rs) == 3 && rs[2].Outcome == "client_gone" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the log has %d requests, the last %+v", len(rs), rs[len(rs)-1])
		}
	}
	if code, _ := call(t, "POST", url+"/_mock/config", `{"jitter":"wild"}`); code != 400 {
		t.Errorf("a wrong setting is answered %d", code)
	}
	if code, list := call(t, "GET", url+"/v1/models", ""); code != 200 || !strings.Contains(list, `"id":"mock"`) {
		t.Errorf("models: %d %s", code, list)
	}
}

// A frozen server answers nobody.
func TestFreeze(t *testing.T) {
	url := start(t)
	call(t, "POST", url+"/_mock/freeze?ms=80", "")
	begin := time.Now()
	call(t, "GET", url+"/v1/models", "")
	if d := time.Since(begin); d < 60*time.Millisecond {
		t.Errorf("a frozen server answered after %v", d)
	}
}

func TestShareAndStat(t *testing.T) {
	for rate, want := range map[float64]int{0: 0, 0.25: 6, 0.1: 2, 1: 24} {
		n := 0
		for i := range 24 {
			if share(i, rate) {
				n++
			}
		}
		if n != want {
			t.Errorf("a rate of %g takes %d of 24, want %d", rate, n, want)
		}
	}
	if s := statOf([]float64{4, 1, 3, 2}); s.Mean != 2.5 || s.P50 != 2.5 || s.Min != 1 || s.Max != 4 || s.P90 < 3.69 || s.P90 > 3.71 {
		t.Errorf("statistics %+v", s)
	}
}

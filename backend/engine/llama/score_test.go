package llama_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
	"github.com/inferometer/inferometer/backend/engine/llama"
)

// What the fake does when it is asked for probabilities, by the name of the model.
const (
	scoreNone  = "score-none"  // an old build: no probabilities
	scoreOther = "score-other" // it takes another token than the forced one
	scoreZero  = "score-zero"  // a probability of 0
)

// probabilities answers like llama-server with n_probs: the forced token with its probability, however
// unlikely, and the likeliest ones. Token t at position n has the log-probability -n.
func probabilities(w http.ResponseWriter, model string, body map[string]any) {
	prompt, _ := body["prompt"].([]any)
	bias, _ := body["logit_bias"].([]any)
	top, _ := body["n_probs"].(float64)
	if len(bias) != 1 || body["n_predict"] != 1.0 || body["cache_prompt"] != true || body["post_sampling_probs"] != false {
		http.Error(w, `{"error":{"message":"not a step"}}`, http.StatusBadRequest)
		return
	}
	id, logProb := int(bias[0].([]any)[0].(float64)), fmt.Sprint(-len(prompt))
	switch model {
	case scoreNone:
		fmt.Fprint(w, `{"content":"x","stop":true}`)
		return
	case scoreOther:
		id++
	case scoreZero:
		logProb = "-3.4028234663852886e+38"
	}
	var likeliest []map[string]any
	for i := range int(top) {
		likeliest = append(likeliest, map[string]any{"id": 900 + i, "token": "x", "logprob": -0.5 - float64(i)})
	}
	list, _ := json.Marshal(likeliest)
	fmt.Fprintf(w, `{"content":"x","stop":true,"completion_probabilities":[{"id":%d,"token":"x","bytes":[120],"logprob":%s,"top_logprobs":%s}]}`, id, logProb, list)
}

func scorer(t *testing.T) *llama.Remote {
	t.Helper()
	server := httptest.NewServer(newNativeFace(enginetest.NewServer(t)))
	t.Cleanup(server.Close)
	r, err := llama.NewRemote(llama.RemoteOptions{BaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(t.Context()) })
	return r
}

// Every token but the first is scored, given those before it.
func TestScoreGoesThroughTheText(t *testing.T) {
	var got []domain.TokenScore
	err := scorer(t).Score(t.Context(), domain.ScoreRequest{Model: "m", Text: "one two three", Top: 2}, func(s domain.TokenScore) error {
		got = append(got, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 {
		t.Fatalf("scored %d tokens, want those of three words", len(got))
	}
	for i, s := range got {
		if s.ID != 100+i || s.LogProb != -float64(i+1) || !slices.Equal(s.Top, []domain.TokenProb{{ID: 900, LogProb: -0.5}, {ID: 901, LogProb: -1.5}}) {
			t.Errorf("position %d: %+v", i, s)
		}
	}
}

func TestScoreRefusesWhatIsNoScore(t *testing.T) {
	keep := func(domain.TokenScore) error { return nil }
	r := scorer(t)
	if err := r.Score(t.Context(), domain.ScoreRequest{Model: scoreNone, Text: "a b"}, keep); domain.KindOf(err) != domain.KindUnsupported {
		t.Errorf("no probabilities: %v", err)
	}
	if err := r.Score(t.Context(), domain.ScoreRequest{Model: scoreOther, Text: "a b"}, keep); domain.KindOf(err) != domain.KindEngineFailed {
		t.Errorf("another token: %v", err)
	}
	enough := errors.New("enough")
	if err := r.Score(t.Context(), domain.ScoreRequest{Model: "m", Text: "a b"}, func(domain.TokenScore) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("an error of the sink: %v", err)
	}
}

// A probability that has become 0 at the server is told as the smallest one it can hold, never as infinitely small.
func TestScoreOfNothingIsFinite(t *testing.T) {
	var got []domain.TokenScore
	err := scorer(t).Score(t.Context(), domain.ScoreRequest{Model: scoreZero, Text: "a"}, func(s domain.TokenScore) error {
		got = append(got, s)
		return nil
	})
	if err != nil || len(got) != 1 || got[0].LogProb > -103 || got[0].LogProb < -104 || got[0].Top != nil {
		t.Errorf("%+v, %v", got, err)
	}
}

package discover

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

// Each kind of server is known by what it says of itself, and is asked no more than that needs:
// some log an error for every path they do not know.

// look asks for the list of models, which every server of language models has, and then what else
// tells its kind. It returns nil for anything that is not such a server.
func (s server) look(ctx context.Context) *domain.Discovered {
	a, err := s.get(ctx, "/v1/models")
	if err != nil {
		return nil
	}
	d := &domain.Discovered{BaseURL: s.root + "/v1", Kind: "openai", Models: []string{}}
	isLlama := strings.HasPrefix(a.header.Get("Server"), "llama.cpp")
	owner := ""
	switch a.status {
	case http.StatusOK:
		models, by, ok := readModels(a.body)
		if !ok {
			return nil
		}
		d.Models, owner = models, by
	case http.StatusUnauthorized, http.StatusForbidden:
		if !isLlama && !hasError(a.body) {
			return nil
		}
		d.NeedsKey = true
	case http.StatusServiceUnavailable: // llama-server while it loads a model
		if !isLlama {
			return nil
		}
	default:
		return nil
	}
	switch {
	case isLlama || owner == "llamacpp":
		s.lookLlama(ctx, d)
	case owner == "vllm":
		s.lookVersion(ctx, d, "vLLM", "/version")
	case owner == "sglang":
		d.Name = "SGLang"
	case owner == "organization_owner":
		d.Name = "LM Studio"
	case d.NeedsKey:
		d.Name = "Server that needs a key"
	default:
		s.lookOllama(ctx, d)
	}
	return d
}

// lookLlama reads the build of a llama-server. Its properties need the key, in newer builds its list of
// models too.
func (s server) lookLlama(ctx context.Context, d *domain.Discovered) {
	d.Kind, d.Name = "llama", "llama-server"
	a, err := s.get(ctx, "/props")
	if err != nil {
		return
	}
	if a.status == http.StatusUnauthorized || a.status == http.StatusForbidden {
		d.NeedsKey = true
		return
	}
	var props struct {
		BuildInfo string `json:"build_info"`
	}
	if a.status == http.StatusOK && json.Unmarshal(a.body, &props) == nil {
		setVersion(d, props.BuildInfo)
	}
}

// lookOllama tells Ollama, whose models may belong to anyone, by its greeting.
func (s server) lookOllama(ctx context.Context, d *domain.Discovered) {
	d.Name = "OpenAI-compatible server"
	a, err := s.get(ctx, "/")
	if err == nil && a.status == http.StatusOK && strings.TrimSpace(string(a.body)) == "Ollama is running" {
		d.Kind = "ollama"
		s.lookVersion(ctx, d, "Ollama", "/api/version")
	}
}

// lookVersion names a server whose version stands at a path of its own.
func (s server) lookVersion(ctx context.Context, d *domain.Discovered, name, path string) {
	d.Name = name
	a, err := s.get(ctx, path)
	if err != nil || a.status != http.StatusOK {
		return
	}
	var said struct {
		Version string `json:"version"`
	}
	if json.Unmarshal(a.body, &said) == nil {
		setVersion(d, said.Version)
	}
}

// maxVersion keeps a strange answer from filling the screen.
const maxVersion = 40

// setVersion adds the version to the name.
func setVersion(d *domain.Discovered, version string) {
	version = strings.TrimSpace(version)
	if version == "" || len(version) > maxVersion || strings.ContainsAny(version, "\r\n\t<>") {
		return
	}
	d.Version = version
	d.Name += " " + version
}

// maxModels bounds how many models of one server are listed.
const maxModels = 1000

// readModels reads a list of models and who owns the first of them. It reports false for an answer
// that is no such list; a server without models says null.
func readModels(body []byte) (ids []string, owner string, ok bool) {
	var list struct {
		Object string `json:"object"`
		Data   *[]struct {
			ID      string `json:"id"`
			OwnedBy string `json:"owned_by"`
		} `json:"data"`
	}
	if json.Unmarshal(body, &list) != nil || (list.Data == nil && list.Object != "list") {
		return nil, "", false
	}
	ids = []string{}
	if list.Data == nil {
		return ids, "", true
	}
	for _, m := range (*list.Data)[:min(len(*list.Data), maxModels)] {
		if m.ID == "" {
			return nil, "", false
		}
		if len(ids) == 0 {
			owner = m.OwnedBy
		}
		ids = append(ids, m.ID)
	}
	return ids, owner, true
}

// hasError reports whether a refusal has the shape that servers of language models give it; other
// programs that want a log-in rarely do.
func hasError(body []byte) bool {
	var refusal struct {
		Error json.RawMessage `json:"error"`
	}
	return json.Unmarshal(body, &refusal) == nil && len(refusal.Error) > 0 && string(refusal.Error) != "null"
}

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

// Client speaks the REST contract, to another instance or to this process.
type Client struct {
	Base  string // without a final slash
	Token string // empty when none is needed
	HTTP  http.RoundTripper
}

// Problem is an error answer of the REST contract (RFC 9457).
type Problem struct {
	Title  string              `json:"title"`
	Status int                 `json:"status"`
	Detail string              `json:"detail"`
	Hint   string              `json:"hint"`
	Errors []domain.FieldError `json:"errors"`
}

// Error puts the problem into lines for a terminal.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Detail)
	if p.Detail == "" {
		b.WriteString(p.Title)
	}
	for _, e := range p.Errors {
		fmt.Fprintf(&b, "\n  %s: %s", strings.TrimPrefix(e.Location, "body."), e.Message)
	}
	if p.Hint != "" {
		fmt.Fprintf(&b, "\n  %s", p.Hint)
	}
	return b.String()
}

// request builds a call; body is sent as contentType when it is not nil.
func (c *Client) request(ctx context.Context, method, path, contentType string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.Base+path, body)
	if err != nil {
		return nil, fmt.Errorf("build request: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	return req, nil
}

// send makes a call and turns an error answer into a *Problem.
func (c *Client) send(req *http.Request) (*http.Response, error) {
	res, err := c.HTTP.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", req.URL.Path, err)
	}
	if res.StatusCode < 400 {
		return res, nil
	}
	defer res.Body.Close()
	p := &Problem{Status: res.StatusCode, Title: http.StatusText(res.StatusCode)}
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(p); err != nil {
		p.Detail = fmt.Sprintf("The server answered %d.", res.StatusCode)
	}
	return nil, p
}

// Raw makes a call with an optional JSON body and returns the body of the answer.
func (c *Client) Raw(ctx context.Context, method, path string, body any) ([]byte, error) {
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		r = bytes.NewReader(b)
	}
	return c.Upload(ctx, method, path, "application/json", r)
}

// Upload makes a call with a body of any type and returns the body of the answer.
func (c *Client) Upload(ctx context.Context, method, path, contentType string, body io.Reader) ([]byte, error) {
	req, err := c.request(ctx, method, path, contentType, body)
	if err != nil {
		return nil, err
	}
	res, err := c.send(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("read answer of %s: %w", path, err)
	}
	return b, nil
}

// Download makes a call whose answer is a file and returns it as it streams in, with its name. The caller
// closes it.
func (c *Client) Download(ctx context.Context, path string) (io.ReadCloser, string, error) {
	req, err := c.request(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return nil, "", err
	}
	res, err := c.send(req)
	if err != nil {
		return nil, "", err
	}
	_, params, _ := mime.ParseMediaType(res.Header.Get("Content-Disposition")) // an answer without one has no name
	return res.Body, params["filename"], nil
}

// call is Raw with the answer decoded into T.
func call[T any](ctx context.Context, c *Client, method, path string, body any) (T, error) {
	var out T
	b, err := c.Raw(ctx, method, path, body)
	if err != nil {
		return out, err
	}
	if err := json.Unmarshal(b, &out); err != nil {
		return out, fmt.Errorf("read answer of %s: %w", path, err)
	}
	return out, nil
}

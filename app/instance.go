package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/inferometer/inferometer/app/cli"
)

// Names in the data folder.
const (
	databaseName = "inferometer.db"
	lockName     = "lock"
	serverName   = "server.json"
	tokenName    = "token"
)

// How long, and how often, an instance is asked that has just started and may not listen yet.
const (
	heldWait = 2 * time.Second
	heldLook = 50 * time.Millisecond
)

// serverInfo is server.json: where the instance that holds the data folder answers.
type serverInfo struct {
	URL     string `json:"url"`
	PID     int    `json:"pid"`
	Version string `json:"version"`
	// CertSHA256 names the certificate of a server that speaks TLS, so that our own verbs know it by whatever name.
	CertSHA256 string `json:"cert_sha256,omitempty"`
}

// HeldError says that another instance holds the data folder.
type HeldError struct {
	Dir    string
	Server *serverInfo // nil when it serves nowhere
}

// Error implements error.
func (e *HeldError) Error() string {
	if e.Server == nil {
		return fmt.Sprintf("another Inferometer holds the data folder %s", e.Dir)
	}
	return fmt.Sprintf("another Inferometer (pid %d) holds the data folder %s and answers at %s",
		e.Server.PID, e.Dir, e.Server.URL)
}

// client speaks to the instance that holds the data folder. One that has just started may not
// listen yet, so it is asked for a moment.
func (e *HeldError) client(ctx context.Context) (*cli.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, heldWait)
	defer cancel()
	look := time.NewTicker(heldLook)
	defer look.Stop()
	for {
		if s := readServer(e.Dir); s != nil {
			e.Server = s
			token, err := os.ReadFile(filepath.Join(e.Dir, tokenName))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("read token: %w", err)
			}
			t := http.DefaultTransport.(*http.Transport).Clone()
			t.Proxy = nil // the other instance is on this machine
			if s.CertSHA256 != "" {
				t.TLSClientConfig = onlyCertificate(s.CertSHA256)
			}
			return &cli.Client{Base: s.URL, Token: strings.TrimSpace(string(token)), HTTP: t}, nil
		}
		select {
		case <-ctx.Done():
			return nil, e
		case <-look.C:
		}
	}
}

// readServer reads server.json; nil when there is none or its process is gone.
func readServer(dir string) *serverInfo {
	b, err := os.ReadFile(filepath.Join(dir, serverName)) // #nosec G304 -- a file of the data folder
	if err != nil {
		return nil
	}
	var s serverInfo
	if json.Unmarshal(b, &s) != nil || s.URL == "" || !processLives(s.PID) {
		return nil
	}
	return &s
}

// writeServer writes server.json whole or not at all.
func writeServer(dir string, s serverInfo) error {
	b, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode %s: %w", serverName, err)
	}
	return writeFile(filepath.Join(dir, serverName), append(b, '\n'))
}

// writeFile replaces a file that only this user may read.
func writeFile(path string, data []byte) error {
	tmp := path + ".new"
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}

// front asks the instance that holds the data folder to come to the front; false when it shows no
// window.
func front(ctx context.Context, c *cli.Client) bool {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	b, err := c.Raw(ctx, http.MethodPost, frontPath, nil)
	var answer struct {
		Window bool `json:"window"`
	}
	return err == nil && json.Unmarshal(b, &answer) == nil && answer.Window
}

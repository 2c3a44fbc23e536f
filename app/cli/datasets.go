package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/inferometer/inferometer/backend/domain"
)

const barWidth = 40

// importOptions say how a file becomes a dataset.
type importOptions struct {
	name, format     string
	preview, skipBad bool
}

func (e *env) importDataset() *cobra.Command {
	var o importOptions
	c := &cobra.Command{Use: "add FILE", Short: "Import a dataset (.jsonl, .csv or .json)", Args: cobra.ExactArgs(1)}
	fl := c.Flags()
	fl.StringVar(&o.name, "name", "", "name (default: the file's)")
	fl.StringVar(&o.format, "format", "", "jsonl, csv, json, sharegpt, messages or trace (default: found out)")
	fl.BoolVar(&o.preview, "preview", false, "only say what an import would find")
	fl.BoolVar(&o.skipBad, "skip-bad", false, "leave bad lines out instead of refusing the whole")
	c.RunE = func(c *cobra.Command, args []string) error {
		return e.with(c.Context(), func(cl *Client) error {
			raw, err := uploadRaw(c.Context(), cl, args[0], o)
			if err != nil {
				return err
			}
			return e.print(raw, func(w io.Writer) error {
				var d domain.DatasetImport
				if err := json.Unmarshal(raw, &d); err != nil {
					return fmt.Errorf("read answer: %w", err)
				}
				return printImport(w, d)
			})
		})
	}
	return c
}

// upload imports a file and returns the dataset it became.
func upload(ctx context.Context, cl *Client, file string, o importOptions) (domain.DatasetImport, error) {
	var d domain.DatasetImport
	raw, err := uploadRaw(ctx, cl, file, o)
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return d, fmt.Errorf("read answer: %w", err)
	}
	return d, nil
}

func uploadRaw(ctx context.Context, cl *Client, file string, o importOptions) ([]byte, error) {
	byExt := map[string]string{".jsonl": "application/x-ndjson", ".ndjson": "application/x-ndjson", ".csv": "text/csv", ".json": "application/json"}
	kind, ok := byExt[strings.ToLower(filepath.Ext(file))]
	if !ok && o.format == "" {
		return nil, fmt.Errorf("import %s: the file must end in .jsonl, .csv or .json, or --format must say what it is", filepath.Base(file))
	}
	f, err := os.Open(file) // #nosec G304 -- a file of the person's own choice, or one that the program made
	if err != nil {
		return nil, fmt.Errorf("open dataset: %w", err)
	}
	defer f.Close()
	q := url.Values{"name": {cmp.Or(o.name, strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)))}}
	if o.format != "" {
		q.Set("format", o.format)
	}
	for name, on := range map[string]bool{"preview": o.preview, "skip_bad": o.skipBad} {
		if on {
			q.Set(name, "true")
		}
	}
	return cl.Upload(ctx, http.MethodPost, "/api/v1/datasets?"+q.Encode(), cmp.Or(kind, "application/x-ndjson"), f)
}

// printImport prints what an import found: rejected lines, lengths, and what became of it.
func printImport(w io.Writer, d domain.DatasetImport) error {
	if d.Stored {
		fmt.Fprintf(w, "Added %s with %d prompts (%s).\n", d.ID, d.Prompts, d.Format)
	} else {
		fmt.Fprintf(w, "Preview: %d prompts (%s). Nothing was stored.\n", d.Prompts, d.Format)
	}
	if len(d.Rejected) > 0 {
		fmt.Fprintf(w, "\n%d bad lines:\n", len(d.Rejected))
		for _, x := range d.Rejected {
			fmt.Fprintf(w, "  line %d: %s\n", x.Line, x.Message)
		}
	}
	return printHistogram(w, d.Histogram)
}

// printHistogram draws the lengths of prompts as bars of text.
func printHistogram(w io.Writer, h domain.TokenHistogram) error {
	most := 0
	for _, b := range h.Bins {
		most = max(most, b.Count)
	}
	if most == 0 {
		return nil
	}
	title := "Tokens of a prompt"
	if h.Estimated {
		title += ", estimated"
	}
	number := func(v float64) string { return fmt.Sprintf("%.0f", v) }
	fmt.Fprintf(w, "\n%s: mean %s · p50 %s · p95 %s\n", title, opt(h.Mean, number), opt(h.P50, number), opt(h.P95, number))
	rows := make([][]string, 0, len(h.Bins))
	for _, b := range h.Bins {
		bar := strings.Repeat("█", b.Count*barWidth/most)
		if bar == "" && b.Count > 0 {
			bar = "▏"
		}
		span := fmt.Sprintf("  %d–%d", b.From, b.To-1)
		if b.To-1 <= b.From {
			span = fmt.Sprintf("  %d", b.From)
		}
		rows = append(rows, []string{span, fmt.Sprint(b.Count), bar})
	}
	return table(w, rows...)
}

package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
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

func (e *env) importFile() *cobra.Command {
	c := &cobra.Command{Use: "import FILE…", Short: "Take in results of another tool, or a file that Inferometer exported", Args: cobra.MinimumNArgs(1),
		Long: "Take in results of vLLM bench serve, GuideLLM, AIPerf, llama-benchy, genai-bench and llama-bench, tables and lists\n" +
			"of single results, and what Inferometer exports. What a file is, is found out by its content."}
	model := c.Flags().String("model", "", "which model was measured, where the file does not say")
	format := c.Flags().String("format", "", "layout of the file (default: found out)")
	c.RunE = func(c *cobra.Command, args []string) error {
		return e.with(c.Context(), func(cl *Client) error {
			for _, file := range args {
				raw, err := sendFile(c.Context(), cl, file, *model, *format)
				if err != nil {
					return fmt.Errorf("%s: %w", filepath.Base(file), err)
				}
				if err := e.print(raw, func(w io.Writer) error { return printImported(w, file, raw) }); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return c
}

func sendFile(ctx context.Context, cl *Client, file, model, format string) ([]byte, error) {
	f, err := os.Open(file) // #nosec G304 -- a file of the person's own choice, or one beside it
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if model == "" {
		model = modelBeside(file)
	}
	q := url.Values{"file": {filepath.Base(file)}}
	for name, v := range map[string]string{"model": model, "format": format} {
		if v != "" {
			q.Set(name, v)
		}
	}
	return cl.Upload(ctx, http.MethodPost, "/api/v1/import?"+q.Encode(), "application/octet-stream", f)
}

// modelBeside looks for the model's name in the file that genai-bench or AIPerf lays beside its results,
// which do not have it.
func modelBeside(file string) string {
	dir := filepath.Dir(file)
	var genai struct {
		Model string `json:"api_model_name"`
	}
	if readJSON(filepath.Join(dir, "experiment_metadata.json"), &genai); genai.Model != "" {
		return genai.Model
	}
	var aiperf struct {
		Config struct {
			Models struct {
				Items []struct {
					Name string `json:"name"`
				} `json:"items"`
			} `json:"models"`
		} `json:"input_config"`
	}
	readJSON(filepath.Join(dir, "profile_export_aiperf.json"), &aiperf)
	for _, m := range aiperf.Config.Models.Items {
		return m.Name
	}
	return ""
}

// readJSON reads a small file into v; one that is not there or something else leaves v as it is.
func readJSON(file string, v any) {
	f, err := os.Open(file) // #nosec G304 -- a file of the person's own choice, or one beside it
	if err != nil {
		return
	}
	defer f.Close()
	_ = json.NewDecoder(io.LimitReader(f, 16<<20)).Decode(v) // another tool's file may be anything
}

// formatOf tells the format by the ending of a file's name.
func formatOf(file string) string {
	return map[string]string{".jsonl": "jsonl", ".csv": "csv", ".db": "sqlite", ".sqlite": "sqlite", ".zip": "bundle", ".html": "html"}[strings.ToLower(filepath.Ext(file))]
}

func (e *env) export() *cobra.Command {
	c := &cobra.Command{Use: "export [ID…]", Short: "Write runs to a file: jsonl, csv, sqlite, bundle (signed zip) or html; without ids all of them",
		Long: "Write runs to a file. jsonl and bundle hold every raw record and can be imported again; a bundle is signed, so that no byte of\n" +
			"it can change unnoticed. csv has one line a request, sqlite is a database, html a report of one file."}
	format := c.Flags().String("format", "", "jsonl, csv, sqlite, bundle or html (default: by the file's ending, else bundle)")
	file := c.Flags().StringP("output", "o", "", "file to write; - for standard output (default: a name that says what it is)")
	c.RunE = func(c *cobra.Command, ids []string) error {
		q := url.Values{"format": {cmp.Or(*format, formatOf(*file), "bundle")}}
		if len(ids) > 0 {
			q.Set("ids", strings.Join(ids, ","))
		}
		return e.with(c.Context(), func(cl *Client) error {
			body, name, err := cl.Download(c.Context(), "/api/v1/export?"+q.Encode())
			if err != nil {
				return err
			}
			defer body.Close()
			if *file == "-" {
				_, err := io.Copy(e.io.Out, body)
				return err
			}
			name = cmp.Or(*file, filepath.Base(name))
			n, err := WriteWhole(name, body)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(e.io.Out, "%s (%s)\n", name, size(n))
			return err
		})
	}
	return c
}

// WriteWhole writes a file under another name until it is whole, so that half of one is never taken for it, and
// returns its size.
func WriteWhole(name string, r io.Reader) (int64, error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return 0, fmt.Errorf("create file: %w", err)
	}
	n, err := io.Copy(f, r)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the fault is told
		return 0, fmt.Errorf("write %s: %w", filepath.Base(name), err)
	}
	return n, nil
}

func printImported(w io.Writer, file string, raw []byte) error {
	var r domain.ImportResult
	if err := json.Unmarshal(raw, &r); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	fmt.Fprintf(w, "%s (%s)\n", filepath.Base(file), r.Format)
	for _, run := range r.Runs {
		fmt.Fprintf(w, "  imported  %s  %s\n", run.ID, run.Name)
	}
	for _, id := range r.Known {
		fmt.Fprintf(w, "  here already  %s\n", id)
	}
	if r.Results > 0 {
		fmt.Fprintf(w, "  %d single results\n", r.Results)
	}
	if r.Signed != "" {
		fmt.Fprintf(w, "  unchanged since it was signed by the key %s\n", r.Signed)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "  note: %s\n", n)
	}
	return nil
}

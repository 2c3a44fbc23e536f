package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/inferometer/inferometer/backend/domain"
)

// show1 makes a call and prints its answer as T.
func show1[T any](ctx context.Context, e *env, method, path string, body any, human func(io.Writer, T) error) error {
	return e.with(ctx, func(c *Client) error {
		raw, err := c.Raw(ctx, method, path, body)
		if err != nil {
			return err
		}
		return e.print(raw, func(w io.Writer) error {
			var v T
			if len(raw) > 0 {
				if err := json.Unmarshal(raw, &v); err != nil {
					return fmt.Errorf("read answer: %w", err)
				}
			}
			return human(w, v)
		})
	})
}

// say prints one line, whatever the answer was.
func say(line string) func(io.Writer, json.RawMessage) error {
	return func(w io.Writer, _ json.RawMessage) error {
		_, err := fmt.Fprintln(w, line)
		return err
	}
}

func jobPath(id string) string { return "/api/v1/benchmarks/" + url.PathEscape(id) }

func (e *env) list() *cobra.Command {
	q := url.Values{}
	c := &cobra.Command{Use: "list", Short: "List runs, newest first", Args: cobra.NoArgs}
	limit := c.Flags().Int("limit", 20, "how many")
	filters := map[string]*string{}
	for _, name := range []string{"status", "model", "engine", "dataset", "tag", "q", "start", "end"} {
		filters[name] = c.Flags().String(name, "", "only runs with this "+name)
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		q.Set("limit", strconv.Itoa(*limit))
		for name, v := range filters {
			if *v != "" {
				q.Set(name, *v)
			}
		}
		return show1(c.Context(), e, http.MethodGet, "/api/v1/benchmarks?"+q.Encode(), nil,
			func(w io.Writer, rs []domain.Run) error {
				if len(rs) == 0 {
					_, err := fmt.Fprintln(w, "No runs. “inferometer run --quick” makes the first one.")
					return err
				}
				rows := [][]string{{"ID", "STATUS", "MODEL", "DECODE", "TTFT", "CREATED", "NAME"}}
				for _, r := range rs {
					rows = append(rows, runRow(r))
				}
				return table(w, rows...)
			})
	}
	return c
}

// jobVerb is a verb with one job id that answers with the job.
func (e *env) jobVerb(use, short, method, suffix string) *cobra.Command {
	return &cobra.Command{Use: use + " ID", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return show1(c.Context(), e, method, jobPath(args[0])+suffix, nil, printRun)
		}}
}

func (e *env) show() *cobra.Command {
	return e.jobVerb("show", "Show one run", http.MethodGet, "")
}

func (e *env) cancel() *cobra.Command {
	return e.jobVerb("cancel", "Stop a queued or running benchmark", http.MethodPost, "/cancel")
}

func (e *env) rerun() *cobra.Command {
	return &cobra.Command{Use: "rerun ID", Short: "Run a benchmark again with the same settings and seed", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return e.with(c.Context(), func(cl *Client) error {
				return e.benchmark(c.Context(), cl, jobPath(args[0])+"/rerun", nil)
			})
		}}
}

func (e *env) remove() *cobra.Command {
	c := &cobra.Command{Use: "rm ID", Short: "Move a run to the trash", Args: cobra.ExactArgs(1)}
	restore := c.Flags().Bool("restore", false, "take it back from the trash")
	c.RunE = func(c *cobra.Command, args []string) error {
		path, line := jobPath(args[0]), "Moved to the trash. “inferometer rm --restore "+args[0]+"” takes it back."
		if *restore {
			path, line = path+"?restore=true", "Restored."
		}
		return show1(c.Context(), e, http.MethodDelete, path, nil, say(line))
	}
	return c
}

func (e *env) models() *cobra.Command {
	c := &cobra.Command{Use: "models", Short: "List installed and reachable models", Args: cobra.NoArgs}
	catalogue := c.Flags().Bool("catalogue", false, "list what can be downloaded")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return show1(c.Context(), e, http.MethodGet, fmt.Sprintf("/api/v1/models?installed=%t", !*catalogue), nil,
			func(w io.Writer, ms []domain.Model) error {
				rows := [][]string{{"ID", "ENGINE", "SIZE", "LICENCE", "NAME"}}
				for _, m := range ms {
					size := missing
					if m.SizeBytes != nil {
						size = fmt.Sprintf("%.0f MB", float64(*m.SizeBytes)/1e6)
					}
					rows = append(rows, []string{m.ID, m.Engine, size, m.License, m.Name})
				}
				return table(w, rows...)
			})
	}
	c.AddCommand(
		e.download(),
		e.idVerb("rm", "Remove a model", http.MethodDelete, "/api/v1/models/", "", "Removed."),
		&cobra.Command{Use: "add FILE", Short: "Add a GGUF file", Args: cobra.ExactArgs(1),
			RunE: func(c *cobra.Command, args []string) error {
				path, err := filepath.Abs(args[0])
				if err != nil {
					return fmt.Errorf("find %s: %w", args[0], err)
				}
				return show1(c.Context(), e, http.MethodPost, "/api/v1/models", map[string]any{"path": path},
					func(w io.Writer, m domain.Model) error {
						_, err := fmt.Fprintf(w, "Added %s.\n", m.ID)
						return err
					})
			}})
	return c
}

// download starts a download and shows it until it has ended.
func (e *env) download() *cobra.Command {
	return &cobra.Command{Use: "download ID", Short: "Download a catalogue model; “engine” gets the engine", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return e.with(c.Context(), func(cl *Client) error {
				events, err := cl.follow(c.Context())
				if err != nil {
					return err
				}
				defer events.Close()
				d, err := call[domain.Download](c.Context(), cl, http.MethodPost, "/api/v1/models/"+url.PathEscape(args[0])+"/download", nil)
				if err != nil {
					return err
				}
				return e.watchDownload(c.Context(), events, d)
			})
		}}
}

// idVerb is a verb on one thing with an id; it prints one line.
func (e *env) idVerb(use, short, method, prefix, suffix, line string) *cobra.Command {
	return &cobra.Command{Use: use + " ID", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return show1(c.Context(), e, method, prefix+url.PathEscape(args[0])+suffix, nil, say(line))
		}}
}

func (e *env) datasets() *cobra.Command {
	c := &cobra.Command{Use: "datasets", Short: "List datasets", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return show1(c.Context(), e, http.MethodGet, "/api/v1/datasets", nil, func(w io.Writer, ds []domain.Dataset) error {
				rows := [][]string{{"ID", "PROMPTS", "LANGUAGE", "NAME"}}
				for _, d := range ds {
					rows = append(rows, []string{d.ID, strconv.Itoa(d.Prompts), d.Language, d.Name})
				}
				return table(w, rows...)
			})
		}}
	add := &cobra.Command{Use: "add FILE", Short: "Import a dataset (.jsonl, .csv or .json)", Args: cobra.ExactArgs(1)}
	name := add.Flags().String("name", "", "name (default: the file's)")
	add.RunE = func(c *cobra.Command, args []string) error { return e.addDataset(c.Context(), args[0], *name) }
	c.AddCommand(add, e.idVerb("rm", "Delete an imported dataset", http.MethodDelete, "/api/v1/datasets/", "", "Deleted."))
	return c
}

func (e *env) addDataset(ctx context.Context, file, name string) error {
	types := map[string]string{".jsonl": "application/x-ndjson", ".ndjson": "application/x-ndjson", ".csv": "text/csv", ".json": "application/json"}
	kind, ok := types[strings.ToLower(filepath.Ext(file))]
	if !ok {
		return fmt.Errorf("datasets add: the file must end in .jsonl, .csv or .json")
	}
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("open dataset: %w", err)
	}
	defer f.Close()
	if name == "" {
		name = strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	}
	return e.with(ctx, func(c *Client) error {
		raw, err := c.Upload(ctx, http.MethodPost, "/api/v1/datasets?name="+url.QueryEscape(name), kind, f)
		if err != nil {
			return err
		}
		return e.print(raw, func(w io.Writer) error {
			var d domain.Dataset
			if err := json.Unmarshal(raw, &d); err != nil {
				return fmt.Errorf("read answer: %w", err)
			}
			_, err := fmt.Fprintf(w, "Added %s with %d prompts.\n", d.ID, d.Prompts)
			return err
		})
	})
}

func (e *env) endpoints() *cobra.Command {
	const base = "/api/v1/endpoints"
	c := &cobra.Command{Use: "endpoints", Short: "List endpoints", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return show1(c.Context(), e, http.MethodGet, base, nil, func(w io.Writer, es []domain.Endpoint) error {
				rows := [][]string{{"ID", "KIND", "ADDRESS", "KEY", "NAME"}}
				for _, x := range es {
					rows = append(rows, []string{x.ID, x.Kind, x.BaseURL, x.KeyFrom, x.Name})
				}
				return table(w, rows...)
			})
		}}
	add := &cobra.Command{Use: "add URL", Short: "Add an OpenAI-compatible endpoint", Args: cobra.ExactArgs(1)}
	name := add.Flags().String("name", "", "name")
	kind := add.Flags().String("kind", "openai", "openai, ollama or llama")
	key := add.Flags().String("key-env", "", "environment variable that holds the key")
	add.RunE = func(c *cobra.Command, args []string) error {
		body := map[string]any{"base_url": args[0], "kind": *kind}
		if *name != "" {
			body["name"] = *name
		}
		if *key != "" {
			body["api_key"] = "env:" + *key
		}
		return show1(c.Context(), e, http.MethodPost, base, body, func(w io.Writer, x domain.Endpoint) error {
			_, err := fmt.Fprintf(w, "Added %s (%s).\n", x.ID, x.BaseURL)
			return err
		})
	}
	check := &cobra.Command{Use: "check ID", Short: "Ask an endpoint for its models", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return show1(c.Context(), e, http.MethodPost, base+"/"+url.PathEscape(args[0])+"/check", nil, printCheck)
		}}
	c.AddCommand(add, check, e.idVerb("rm", "Remove an endpoint", http.MethodDelete, base+"/", "", "Removed."))
	return c
}

func printCheck(w io.Writer, x domain.EndpointCheck) error {
	fmt.Fprintf(w, "%s\n", x.Message)
	for _, m := range x.Models {
		fmt.Fprintf(w, "  %s\n", m)
	}
	if !x.OK {
		return ErrReported
	}
	return nil
}

func (e *env) doctor() *cobra.Command {
	return &cobra.Command{Use: "doctor", Short: "Check the installation", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return show1(c.Context(), e, http.MethodGet, "/api/v1/system/doctor", nil, func(w io.Writer, d domain.DoctorReport) error {
				fmt.Fprint(w, d.Text)
				if !d.OK {
					return ErrReported
				}
				return nil
			})
		}}
}

func (e *env) settings() *cobra.Command {
	return &cobra.Command{Use: "settings [KEY=VALUE …]", Short: "Show settings, or change them",
		RunE: func(c *cobra.Command, args []string) error {
			method, body := http.MethodGet, any(nil)
			if len(args) > 0 {
				patch := map[string]any{}
				for _, a := range args {
					key, value, ok := strings.Cut(a, "=")
					if !ok {
						return fmt.Errorf("settings: %q is not KEY=VALUE", a)
					}
					patch[key] = jsonValue(value)
				}
				method, body = http.MethodPatch, patch
			}
			return show1(c.Context(), e, method, "/api/v1/settings", body, func(w io.Writer, s domain.Settings) error {
				rows := [][]string{{"KEY", "VALUE", "FROM"}}
				for _, x := range s.Items {
					rows = append(rows, []string{x.Key, fmt.Sprint(x.Value), x.Origin})
				}
				return table(w, rows...)
			})
		}}
}

// jsonValue reads a value as JSON when it is some, else as text.
func jsonValue(text string) any {
	var v any
	if json.Unmarshal([]byte(text), &v) == nil {
		return v
	}
	return text
}

package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/inferometer/inferometer/backend/domain"
)

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
		e.idVerb("cancel", "Stop a download; what came is kept", http.MethodPost, "/api/v1/models/", "/download/cancel", "Stopped."),
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
	c.AddCommand(e.importDataset(), e.idVerb("rm", "Delete an imported dataset", http.MethodDelete, "/api/v1/datasets/", "", "Deleted."))
	return c
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
	metrics := add.Flags().StringArray("metrics", nil, "address that shows metrics of its machines (Prometheus text); may be repeated")
	add.RunE = func(c *cobra.Command, args []string) error {
		body := map[string]any{"base_url": args[0], "kind": *kind}
		if *name != "" {
			body["name"] = *name
		}
		if *key != "" {
			body["api_key"] = "env:" + *key
		}
		if len(*metrics) > 0 {
			body["metrics_urls"] = *metrics
		}
		return show1(c.Context(), e, http.MethodPost, base, body, func(w io.Writer, x domain.Endpoint) error {
			_, err := fmt.Fprintf(w, "Added %s (%s).\n", x.ID, x.BaseURL)
			return err
		})
	}
	c.AddCommand(add, e.editEndpoint(), e.checkEndpoint(), e.discover(),
		e.idVerb("rm", "Remove an endpoint", http.MethodDelete, base+"/", "", "Removed."))
	return c
}

func (e *env) editEndpoint() *cobra.Command {
	c := &cobra.Command{Use: "edit ID", Short: "Change an endpoint", Args: cobra.ExactArgs(1)}
	name := c.Flags().String("name", "", "name")
	address := c.Flags().String("url", "", "address")
	kind := c.Flags().String("kind", "", "openai, ollama or llama")
	key := c.Flags().String("key-env", "", "environment variable that holds the key")
	metrics := c.Flags().StringArray("metrics", nil, "address that shows metrics of its machines, in place of those it has; none: --metrics ''")
	c.RunE = func(c *cobra.Command, args []string) error {
		body := map[string]any{}
		for flag, v := range map[string]struct{ field, value string }{"name": {"name", *name},
			"url": {"base_url", *address}, "kind": {"kind", *kind}, "key-env": {"api_key", "env:" + *key}} {
			if c.Flags().Changed(flag) {
				body[v.field] = v.value
			}
		}
		if c.Flags().Changed("metrics") {
			body["metrics_urls"] = slices.DeleteFunc(*metrics, func(s string) bool { return s == "" })
		}
		return show1(c.Context(), e, http.MethodPatch, "/api/v1/endpoints/"+url.PathEscape(args[0]), body,
			func(w io.Writer, x domain.Endpoint) error {
				_, err := fmt.Fprintf(w, "Changed %s (%s).\n", x.ID, x.BaseURL)
				return err
			})
	}
	return c
}

func (e *env) checkEndpoint() *cobra.Command {
	c := &cobra.Command{Use: "check ID", Short: "Find out what an endpoint can do, by a few short generations", Args: cobra.ExactArgs(1)}
	model := c.Flags().String("model", "", "model to try (default: the first it lists)")
	listOnly := c.Flags().Bool("list-only", false, "only list its models, generate nothing")
	c.RunE = func(c *cobra.Command, args []string) error {
		body := domain.EndpointCheckInput{}
		if *model != "" {
			body.ModelID = model
		}
		if *listOnly {
			generate := false
			body.Generate = &generate
		}
		return show1(c.Context(), e, http.MethodPost, "/api/v1/endpoints/"+url.PathEscape(args[0])+"/check", body, printCheck)
	}
	return c
}

func printCheck(w io.Writer, x domain.EndpointCheck) error {
	fmt.Fprintf(w, "%s\n", x.Message)
	for _, m := range x.Models {
		fmt.Fprintf(w, "  %s\n", m)
	}
	if x.Model != "" {
		fmt.Fprintf(w, "\nTried with %s:\n", x.Model)
	}
	var rows [][]string
	for _, p := range x.Checks {
		rows = append(rows, []string{p.Code, p.State, p.Detail})
	}
	if err := table(w, rows...); err != nil {
		return err
	}
	if !x.OK {
		return ErrReported
	}
	return nil
}

func (e *env) discover() *cobra.Command {
	return &cobra.Command{Use: "discover", Short: "Look for servers at the usual ports of this machine", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return show1(c.Context(), e, http.MethodGet, "/api/v1/discovery", nil, func(w io.Writer, found []domain.Discovered) error {
				if len(found) == 0 {
					_, err := fmt.Fprintln(w, "No server answers at the ports 11434, 1234, 8080 and 8000 of this machine.")
					return err
				}
				rows := [][]string{{"KIND", "ADDRESS", "NAME", "MODELS", "ENDPOINT"}}
				for _, x := range found {
					models := strings.Join(x.Models, ", ")
					if x.NeedsKey {
						models = "needs a key"
					}
					id := "“inferometer endpoints add --kind " + x.Kind + " " + x.BaseURL + "” adds it"
					if x.EndpointID != nil {
						id = *x.EndpointID
					}
					rows = append(rows, []string{x.Kind, x.BaseURL, x.Name, models, id})
				}
				return table(w, rows...)
			})
		}}
}

package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

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

// field is where the value of a flag goes.
type field struct {
	key   string
	value any
}

// put takes the flags that were given into a body.
func put(given func(string) bool, body map[string]any, flags map[string]field) {
	for flag, f := range flags {
		if given(flag) {
			body[f.key] = f.value
		}
	}
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
				return printRuns(w, rs)
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
	c := &cobra.Command{Use: "show ID", Short: "Show one run", Args: cobra.ExactArgs(1)}
	as := c.Flags().String("as", "", "its figures by the definitions of another tool: vllm, aiperf, guidellm, llama-bench or llmperf")
	c.RunE = func(c *cobra.Command, args []string) error {
		path := jobPath(args[0])
		if *as == "" {
			return show1(c.Context(), e, http.MethodGet, path, nil, printRun)
		}
		return show1(c.Context(), e, http.MethodGet, path+"/report?as="+url.QueryEscape(*as), nil, printLenses)
	}
	return c
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

func (e *env) edit() *cobra.Command {
	c := &cobra.Command{Use: "edit ID", Short: "Change name, tags, notes or pin of a run", Args: cobra.ExactArgs(1)}
	name := c.Flags().String("name", "", "name")
	notes := c.Flags().String("notes", "", "notes")
	tags := c.Flags().StringSlice("tag", nil, "tags; may be given again, an empty one removes all")
	pinned := c.Flags().Bool("pin", false, "pin it")
	c.RunE = func(c *cobra.Command, args []string) error {
		body := map[string]any{}
		put(c.Flags().Changed, body, map[string]field{"name": {"name", *name}, "notes": {"notes", *notes}, "pin": {"pinned", *pinned}})
		if c.Flags().Changed("tag") {
			list := []string{}
			for _, t := range *tags {
				if t != "" {
					list = append(list, t)
				}
			}
			body["tags"] = list
		}
		return show1(c.Context(), e, http.MethodPatch, jobPath(args[0]), body, printRun)
	}
	return c
}

func (e *env) metrics() *cobra.Command {
	c := &cobra.Command{Use: "metrics ID", Short: "Print the hardware samples of a run", Args: cobra.ExactArgs(1)}
	every := c.Flags().Duration("every", time.Second, "one sample per this much time")
	c.RunE = func(c *cobra.Command, args []string) error {
		return show1(c.Context(), e, http.MethodGet, jobPath(args[0])+"/metrics?every="+every.String(), nil,
			func(w io.Writer, xs []domain.Sample) error {
				rows := [][]string{{"T", "PHASE", "CPU", "RAM", "ENGINE CPU", "GPU", "VRAM", "POWER"}}
				for _, x := range xs {
					rows = append(rows, []string{fmt.Sprintf("%.1f s", x.TMs/1000), string(x.Phase), opt(x.CPUPercent, percent),
						opt(x.RAMUsedGB, gb), opt(x.EngineCPUPercent, percent), opt(x.GPUPercent, percent), opt(x.VRAMUsedGB, gb),
						opt(x.PowerW, func(v float64) string { return fmt.Sprintf("%.0f W", v) })})
				}
				return table(w, rows...)
			})
	}
	return c
}

func (e *env) averages() *cobra.Command {
	c := &cobra.Command{Use: "averages", Short: "Print the averages over successful results", Args: cobra.NoArgs}
	filters := map[string]*string{}
	for _, name := range []string{"start", "end", "model", "engine", "dataset", "tag", "sample"} {
		filters[name] = c.Flags().String(name, "", "only results with this "+name)
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		q := url.Values{}
		for name, v := range filters {
			if *v != "" {
				q.Set(name, *v)
			}
		}
		path := "/api/v1/results/average"
		if len(q) > 0 {
			path += "?" + q.Encode()
		}
		return show1(c.Context(), e, http.MethodGet, path, nil, func(w io.Writer, a domain.Averages) error {
			return table(w, []string{"Results", strconv.FormatInt(a.Count, 10)},
				[]string{"Tokens", opt(a.TokenCount, func(v float64) string { return fmt.Sprintf("%.1f", v) })},
				[]string{"Time to first token", opt(a.TimeToFirstToken, ms)},
				[]string{"Time per output token", opt(a.TimePerToken, ms)},
				[]string{"Total time", opt(a.TotalTime, ms)})
		})
	}
	return c
}

func (e *env) system() *cobra.Command {
	return &cobra.Command{Use: "system", Short: "Describe this machine and its sensors", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return show1(c.Context(), e, http.MethodGet, "/api/v1/system", nil, func(w io.Writer, s domain.System) error {
				fmt.Fprintf(w, "%s, %s, kernel %s\n%s, %d threads, %.1f GB RAM\n", s.Hostname, s.OS, s.Kernel, s.CPUModel, s.CPUThreads, s.RAMTotalGB)
				for _, g := range s.GPUs {
					fmt.Fprintf(w, "GPU %d: %s, driver %s, memory up to %s (theoretical)\n", g.Index, g.Name, g.Driver, opt(g.MemPeakGBPerS, gbPerS))
				}
				if s.Bandwidth != nil {
					fmt.Fprintf(w, "Memory bandwidth: %s\n", bandwidthText(*s.Bandwidth))
				}
				rows := [][]string{}
				for _, x := range s.Sensors {
					state := x.Source
					if !x.Available {
						state = x.Reason
					}
					if x.Remedy != "" {
						state += " Try: " + x.Remedy
					}
					rows = append(rows, []string{x.Name, x.Unit, state})
				}
				return table(w, rows...)
			})
		}}
}

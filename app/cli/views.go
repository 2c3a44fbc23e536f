package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/inferometer/inferometer/backend/domain"
)

func (e *env) views() *cobra.Command {
	const base = "/api/v1/views"
	c := &cobra.Command{Use: "views", Short: "List the saved views of the results", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return show1(c.Context(), e, http.MethodGet, base, nil, func(w io.Writer, vs []domain.SavedView) error {
				rows := [][]string{{"ID", "NAME", "FILTERS", "ORDER"}}
				for _, v := range vs {
					rows = append(rows, []string{v.ID, printable(v.Name), printable(filterText(v.Filters)), order(v.Sort)})
				}
				return table(w, rows...)
			})
		}}
	add := &cobra.Command{Use: "add NAME", Short: "Keep filters as a view", Args: cobra.ExactArgs(1)}
	filters := viewFlags(add)
	add.RunE = func(c *cobra.Command, args []string) error {
		in := domain.ViewInput{Name: &args[0], Filters: filters, Sort: &domain.ViewSort{Key: "when", Desc: true}}
		return show1(c.Context(), e, http.MethodPost, base, in, sayView("Kept"))
	}
	edit := &cobra.Command{Use: "edit ID", Short: "Rename a view, or give it other filters", Args: cobra.ExactArgs(1)}
	name := edit.Flags().String("name", "", "new name")
	changed := viewFlags(edit)
	edit.RunE = func(c *cobra.Command, args []string) error {
		var in domain.ViewInput
		if c.Flags().Changed("name") {
			in.Name = name
		}
		if *changed != (domain.ViewFilters{}) {
			in.Filters = changed
		}
		return show1(c.Context(), e, http.MethodPatch, base+"/"+url.PathEscape(args[0]), in, sayView("Changed"))
	}
	c.AddCommand(add, edit, e.idVerb("rm", "Remove a view; no run is touched", http.MethodDelete, base+"/", "", "Removed."))
	return c
}

func viewFlags(c *cobra.Command) *domain.ViewFilters {
	f := &domain.ViewFilters{}
	for name, to := range map[string]*string{"text": &f.Text, "model": &f.Model, "engine": &f.Engine, "dataset": &f.Dataset,
		"load": &f.Load, "verdict": &f.Verdict, "status": &f.Status, "tag": &f.Tag} {
		c.Flags().StringVar(to, name, "", "only runs with this "+name)
	}
	c.Flags().IntVar(&f.Days, "days", 0, "only runs of so many last days")
	c.Flags().BoolVar(&f.Starred, "starred", false, "only starred runs")
	return f
}

func sayView(done string) func(io.Writer, domain.SavedView) error {
	return func(w io.Writer, v domain.SavedView) error {
		_, err := fmt.Fprintf(w, "%s %s (%s).\n", done, v.ID, printable(v.Name))
		return err
	}
}

func filterText(f domain.ViewFilters) string {
	var parts []string
	for _, p := range [][2]string{{"text", f.Text}, {"model", f.Model}, {"engine", f.Engine}, {"dataset", f.Dataset}, {"load", f.Load},
		{"verdict", f.Verdict}, {"status", f.Status}, {"tag", f.Tag}} {
		if p[1] != "" {
			parts = append(parts, p[0]+"="+p[1])
		}
	}
	if f.Days > 0 {
		parts = append(parts, fmt.Sprintf("days=%d", f.Days))
	}
	if f.Starred {
		parts = append(parts, "starred")
	}
	return strings.Join(parts, " ")
}

func order(s domain.ViewSort) string {
	if s.Desc {
		return "-" + s.Key
	}
	return s.Key
}

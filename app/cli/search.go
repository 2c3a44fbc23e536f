package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/inferometer/inferometer/backend/domain"
)

func (e *env) search() *cobra.Command {
	c := &cobra.Command{Use: "search WORDS", Short: "Find runs by words in names, notes, tags, prompts and outputs", Args: cobra.MinimumNArgs(1)}
	limit := c.Flags().Int("limit", 20, "how many runs")
	c.RunE = func(c *cobra.Command, args []string) error {
		q := url.Values{"q": {strings.Join(args, " ")}, "limit": {strconv.Itoa(*limit)}}
		return show1(c.Context(), e, http.MethodGet, "/api/v1/search?"+q.Encode(), nil, printSearch)
	}
	return c
}

func printSearch(w io.Writer, s domain.Search) error {
	for _, h := range s.Hits {
		name := h.Name
		if name == "" {
			name = h.Model
		}
		fmt.Fprintf(w, "%s  %s  %s\n", h.JobID, h.CreatedAt.Local().Format("2006-01-02 15:04"), printable(name))
		for _, m := range h.Matches {
			where := m.Field
			if m.Request != nil {
				where += " " + strconv.Itoa(*m.Request)
			}
			text := ""
			for _, p := range m.Snippet {
				text += p.Text
			}
			fmt.Fprintf(w, "    %-10s %s\n", where, printable(text))
		}
	}
	if len(s.Hits) == 0 {
		fmt.Fprintln(w, "Nothing was found.")
	}
	if s.Indexing > 0 {
		fmt.Fprintf(w, "The texts of %d runs are not indexed yet.\n", s.Indexing)
	}
	return nil
}

// printable keeps a text of others from moving the cursor or changing colours.
func printable(text string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c >= 0x7f && c < 0xa0 {
			return ' '
		}
		return c
	}, text)
}

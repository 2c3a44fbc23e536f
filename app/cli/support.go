package cli

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/inferometer/inferometer/backend/domain"
)

// log prints the newest records of the log as they would follow each other in a file.
func (e *env) log() *cobra.Command {
	c := &cobra.Command{Use: "log", Short: "Show the newest records of the program's log", Args: cobra.NoArgs}
	level := c.Flags().String("level", "info", "least level: debug, info, warn or error")
	limit := c.Flags().Int("limit", 50, "how many, up to 1000")
	c.RunE = func(c *cobra.Command, _ []string) error {
		path := "/api/v1/log?" + url.Values{"level": {*level}, "limit": {strconv.Itoa(*limit)}}.Encode()
		return show1(c.Context(), e, http.MethodGet, path, nil, func(w io.Writer, records []domain.LogRecord) error {
			for _, r := range slices.Backward(records) {
				if _, err := fmt.Fprintln(w, logLine(r)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return c
}

func logLine(r domain.LogRecord) string {
	line := fmt.Sprintf("%s %-5s %s", r.At.Local().Format("2006-01-02 15:04:05"), r.Level, r.Message)
	if r.Component != "" {
		line += " component=" + r.Component
	}
	for _, key := range slices.Sorted(maps.Keys(r.Attrs)) {
		line += fmt.Sprintf(" %s=%q", key, r.Attrs[key])
	}
	return line
}

// support saves the bundle; an existing file is not written over.
func (e *env) support() *cobra.Command {
	c := &cobra.Command{Use: "support", Short: "Save a zip file with what a report needs: no prompt, no output, no secret", Args: cobra.NoArgs}
	out := c.Flags().StringP("output", "o", "inferometer-support.zip", "the file to write; - is standard output")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return e.with(c.Context(), func(client *Client) error {
			b, err := client.Raw(c.Context(), http.MethodGet, "/api/v1/support", nil)
			if err != nil {
				return err
			}
			if *out == "-" {
				_, err = e.io.Out.Write(b)
				return err
			}
			f, err := os.OpenFile(*out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err != nil {
				return fmt.Errorf("save the bundle: %w", err)
			}
			if _, err = f.Write(b); err == nil {
				err = f.Close()
			}
			if err != nil {
				return fmt.Errorf("save the bundle: %w", err)
			}
			_, err = fmt.Fprintf(e.io.Out, "%s (%s). Look through it before you pass it on.\n", *out, size(int64(len(b))))
			return err
		})
	}
	return c
}

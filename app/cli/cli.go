// Package cli is the command line: verbs that call the REST contract, on the instance that holds
// the data folder or, when there is none, in this process. It prints for people, or with --json
// exactly the body of the answer. It holds no rule of the product.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"
)

// Host is what the composition root offers to the verbs.
type Host interface {
	// Connect returns a client of the instance that holds the data folder, or of this process wired
	// for the length of one command; done ends what Connect began.
	Connect(ctx context.Context, o Options) (c *Client, done func() error, err error)
	// Serve runs the REST server until ctx ends.
	Serve(ctx context.Context, o ServeOptions) error
	// Window opens the window, or says why it cannot and serves.
	Window(ctx context.Context, o Options) error
	// Setup fetches engine and starter model into a folder.
	Setup(ctx context.Context, o SetupOptions) error
	// Version is the text of the verb version.
	Version() string
}

// Options are shared by every verb.
type Options struct {
	DataDir string
	// Settings are flags that fix a setting, by the setting's key.
	Settings map[string]string
}

// ServeOptions are those of serve.
type ServeOptions struct {
	Options
	Resume bool // go on with jobs that an earlier start left queued
}

// SetupOptions are those of setup.
type SetupOptions struct {
	Options
	Dir   string // empty: the data folder
	What  string // engine, model or all
	Force bool   // build the engine from source even if one is there
}

// IO is the standard streams of the command line.
type IO struct {
	Out, Err io.Writer
	In       io.Reader
	Terminal bool // Err is a terminal
}

// ErrReported says that the verb has already told the person what went wrong.
var ErrReported = errors.New("reported")

// UsageError is an error in how the program was called: an unknown verb or flag, a value that is no
// value of its flag, too few or too many arguments.
type UsageError struct{ error }

// Unwrap returns the error itself.
func (e UsageError) Unwrap() error { return e.error }

// env is what every verb needs.
type env struct {
	host Host
	io   IO
	opts Options
	json bool
}

// New builds the command tree.
func New(h Host, stdio IO) *cobra.Command {
	e := &env{host: h, io: stdio, opts: Options{Settings: map[string]string{}}}
	root := &cobra.Command{
		Use: "inferometer", Short: "Benchmark language models on this machine or against servers",
		Long: "Without a verb the window opens. Every verb calls the instance that holds the data\n" +
			"folder when there is one, and otherwise does its work by itself.",
		Args: cobra.NoArgs, SilenceUsage: true, SilenceErrors: true,
		RunE: func(c *cobra.Command, _ []string) error { return h.Window(c.Context(), e.opts) },
	}
	root.SetOut(stdio.Out)
	root.SetErr(stdio.Err)
	root.SetIn(stdio.In)
	root.CompletionOptions.DisableDefaultCmd = true
	root.PersistentFlags().StringVar(&e.opts.DataDir, "data-dir", "", "folder of database, models and token")
	root.PersistentFlags().BoolVar(&e.json, "json", false, "print exactly the body of the answer")
	root.AddCommand(e.serve(), e.setup(), e.version(), e.run(), e.list(), e.search(), e.show(), e.cancel(),
		e.rerun(), e.edit(), e.remove(), e.metrics(), e.averages(), e.views(), e.trash(), e.storage(), e.importFile(), e.export(),
		e.compare(), e.ab(), e.repeat(), e.sweep(), e.tune(), e.capacity(), e.experiments(), e.gate(), e.trends(), e.predict(), e.quality(), e.alerts(), e.builds(), e.models(), e.datasets(), e.endpoints(), e.settings(), e.token(), e.system(), e.bandwidth(), e.doctor(), e.log(), e.support())
	markUsage(root)
	return root
}

// markUsage makes the errors of flags and arguments, of a command and all below it, a UsageError.
func markUsage(c *cobra.Command) {
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return UsageError{err} })
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return UsageError{err}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		markUsage(sub)
	}
}

func (e *env) serve() *cobra.Command {
	var resume bool
	var cert, key string
	c := &cobra.Command{Use: "serve", Short: "Serve REST and the web interface until Ctrl-C", Args: cobra.NoArgs}
	addr := c.Flags().String("addr", "", "address to listen on (default 127.0.0.1:8000; port 0: any free one)")
	debug := c.Flags().Bool("debug", false, "sample data and the averages of /results/average/")
	c.Flags().StringVar(&cert, "tls-cert", "", "PEM file of a certificate: serve https")
	c.Flags().StringVar(&key, "tls-key", "", "PEM file of the certificate's key")
	c.Flags().BoolVar(&resume, "resume", false, "go on with jobs that an earlier start left queued")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if c.Flags().Changed("addr") {
			e.opts.Settings["api_addr"] = *addr
		}
		if c.Flags().Changed("debug") {
			e.opts.Settings["debug"] = map[bool]string{true: "True", false: "False"}[*debug]
		}
		for name, file := range map[string]string{"tls_cert": cert, "tls_key": key} {
			if file != "" {
				e.opts.Settings[name] = file
			}
		}
		return e.host.Serve(c.Context(), ServeOptions{Options: e.opts, Resume: resume})
	}
	return c
}

func (e *env) token() *cobra.Command {
	c := &cobra.Command{Use: "token", Short: "The token that lets others use the REST server", Args: cobra.NoArgs}
	c.AddCommand(&cobra.Command{Use: "rotate", Short: "Make a new token; the old one and every login end at once", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return show1(c.Context(), e, http.MethodPost, "/api/v1/token/rotate", nil, say("The file token of the data folder holds the new one."))
		}})
	return c
}

func (e *env) setup() *cobra.Command {
	o := SetupOptions{}
	c := &cobra.Command{Use: "setup [engine|model|all]", Short: "Fetch the embedded engine and the starter model",
		Args: cobra.MaximumNArgs(1), ValidArgs: []string{"engine", "model", "all"},
		RunE: func(c *cobra.Command, args []string) error {
			o.Options, o.What = e.opts, "all"
			if len(args) == 1 {
				o.What = args[0]
			}
			if o.What != "all" && o.What != "engine" && o.What != "model" {
				return fmt.Errorf("setup: %q is not engine, model or all", o.What)
			}
			return e.host.Setup(c.Context(), o)
		}}
	c.Flags().StringVar(&o.Dir, "dir", "", "folder to fill (default: the data folder)")
	return c
}

func (e *env) version() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(e.io.Out, e.host.Version())
			return err
		}}
}

// with connects, runs f and ends the connection; the first error counts.
func (e *env) with(ctx context.Context, f func(*Client) error) error {
	c, done, err := e.host.Connect(ctx, e.opts)
	if err != nil {
		return err
	}
	return errors.Join(f(c), done())
}

// print writes a body as it came, or what human makes of it.
func (e *env) print(body []byte, human func(io.Writer) error) error {
	if !e.json {
		return human(Plain(e.io.Out))
	}
	if len(body) > 0 && body[len(body)-1] != '\n' {
		body = append(body, '\n')
	}
	_, err := e.io.Out.Write(body)
	return err
}

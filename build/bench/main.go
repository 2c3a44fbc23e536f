//go:build linux

// Command bench measures the program against a server whose send times are known, and prints what
// must be reached beside what was: accuracy of the latencies, cost, size, and whether faults are
// told. It starts the server on one core and the program on another, repeats the cases in turn and
// takes the best round, for what disturbs a measurement only ever makes it worse. It fails only
// when something broke. docs/benchmarks.md says how to read its table.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
)

// options are the flags.
type options struct {
	program, groundtruth, server, model, cases string
	rounds, serverCPU, clientCPU               int
	all                                        bool
}

func main() {
	var o options
	flag.StringVar(&o.program, "program", "build/bin/inferometer-headless", "the program to measure")
	flag.StringVar(&o.groundtruth, "groundtruth", ".cache/bin/groundtruth", "the server to start")
	flag.StringVar(&o.server, "server", "", "address of a server that runs already, such as 127.0.0.1:18080")
	flag.StringVar(&o.model, "model", "mock", "model that the server names")
	flag.StringVar(&o.cases, "cases", ".", "measure the cases whose names match this pattern")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds; the best counts")
	flag.IntVar(&o.serverCPU, "server-cpu", 0, "core of the server; -1: any")
	flag.IntVar(&o.clientCPU, "client-cpu", 1, "core of the program; -1: any")
	flag.BoolVar(&o.all, "all-rounds", false, "print the figure of each round")
	flag.Parse()
	ctx, done := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := bench(ctx, o, os.Stdout, os.Stderr)
	done()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// row is one line of the table, filled round by round.
type row struct {
	figure
	values []float64
}

func bench(ctx context.Context, o options, out, progress io.Writer) error {
	pattern, err := regexp.Compile(o.cases)
	if err != nil {
		return fmt.Errorf("read -cases: %w", err)
	}
	m, err := newMachine(ctx, o)
	if err != nil {
		return err
	}
	defer m.close()
	var rows []*row
	byName := map[string]*row{}
	var broken []string
	for round := range o.rounds {
		for _, c := range cases() {
			if !pattern.MatchString(c.name) || ctx.Err() != nil {
				continue
			}
			fmt.Fprintf(progress, "round %d of %d: %s\n", round+1, o.rounds, c.name)
			figures, err := c.measure(ctx, m)
			if err != nil {
				broken = append(broken, fmt.Sprintf("%s: %v", c.name, err))
			}
			for _, f := range figures {
				r := byName[f.what]
				if r == nil {
					r = &row{}
					byName[f.what] = r
					rows = append(rows, r)
				}
				r.figure, r.values = f, append(r.values, f.value)
			}
		}
	}
	printTable(out, rows, o)
	if err := printTraps(ctx, m, pattern, out, progress); err != nil {
		broken = append(broken, err.Error())
	}
	if len(broken) > 0 {
		return fmt.Errorf("what broke:\n%s", strings.Join(broken, "\n"))
	}
	return ctx.Err()
}

func printTable(out io.Writer, rows []*row, o options) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(out, "| what | must | measured, best of %d | |\n|---|---|---|---|\n", o.rounds)
	for _, r := range rows {
		best := r.best()
		verdict := "reached"
		switch {
		case r.limit == told:
			verdict = ""
		case !r.reached(best):
			verdict = "**missed**"
		}
		text := fmt.Sprintf(r.format, best)
		if o.all {
			var each []string
			for _, v := range r.values {
				each = append(each, fmt.Sprintf(r.format, v))
			}
			text += " (" + strings.Join(each, ", ") + ")"
		}
		fmt.Fprintf(out, "| %s | %s | %s | %s |\n", r.what, r.must(), text, verdict)
	}
	fmt.Fprintln(out)
}

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
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	program, groundtruth, server, model, cases string
	rounds, rows, serverCPU, clientCPU         int
	all                                        bool
	soak                                       time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.program, "program", "build/bin/inferometer-headless", "the program to measure")
	flag.StringVar(&o.groundtruth, "groundtruth", ".cache/bin/groundtruth", "the server to start")
	flag.StringVar(&o.server, "server", "", "address of a server that runs already, such as 127.0.0.1:18080")
	flag.StringVar(&o.model, "model", "mock", "model that the server names")
	flag.StringVar(&o.cases, "cases", ".", "measure the cases whose names match this pattern")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds; the best counts")
	flag.IntVar(&o.rows, "rows", storedRows, "results in the larger database of the case storage")
	flag.DurationVar(&o.soak, "soak", 0, "how long the case soak measures; 0 leaves it out")
	flag.IntVar(&o.serverCPU, "server-cpu", 0, "core of the server; -1: any")
	flag.IntVar(&o.clientCPU, "client-cpu", 1, "core of the program; -1: any")
	flag.BoolVar(&o.all, "all-rounds", false, "print the figure of each round")
	percent := flag.Int(burnFlag, 0, "only be busy for so many percent of the time; the case telemetry starts itself so")
	flag.Parse()
	ctx, done := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if *percent > 0 {
		burn(ctx, *percent)
		done()
		return
	}
	err := bench(ctx, o, os.Stdout, os.Stderr)
	done()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// row is one line of the table, filled round by round.
type row struct {
	best   figure
	values []float64
}

// table holds the rows in the order in which their figures first came.
type table struct {
	rows []*row
}

func (t *table) add(f figure) {
	i := slices.IndexFunc(t.rows, func(r *row) bool { return r.best.what == f.what })
	if i < 0 {
		i, t.rows = len(t.rows), append(t.rows, &row{best: f})
	}
	r := t.rows[i]
	if r.values = append(r.values, f.value); f.better(r.best) {
		r.best = f
	}
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
	var t table
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
				t.add(f)
			}
		}
	}
	t.print(out, o)
	if err := printTraps(ctx, m, pattern, out, progress); err != nil {
		broken = append(broken, err.Error())
	}
	if len(broken) > 0 {
		return fmt.Errorf("what broke:\n%s", strings.Join(broken, "\n"))
	}
	return ctx.Err()
}

func (t *table) print(out io.Writer, o options) {
	if len(t.rows) == 0 {
		return
	}
	fmt.Fprintf(out, "| what | must | measured, best of %d | |\n|---|---|---|---|\n", o.rounds)
	for _, r := range t.rows {
		text, verdict := fmt.Sprintf(r.best.format, r.best.value), "reached"
		switch {
		case r.best.limit == told:
			verdict = ""
		case r.best.missed():
			verdict = "**missed**"
		}
		if o.all {
			var each []string
			for _, v := range r.values {
				each = append(each, fmt.Sprintf(r.best.format, v))
			}
			text += " (" + strings.Join(each, ", ") + ")"
		}
		fmt.Fprintf(out, "| %s | %s | %s | %s |\n", r.best.what, r.best.must(), text, verdict)
	}
	fmt.Fprintln(out)
}

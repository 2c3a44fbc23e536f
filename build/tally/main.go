// Command tally runs test suites and counts what they did. "tally run NAME KIND COMMAND..." runs
// one suite to its end and stores the count; "tally sum NAME..." adds up the named suites and
// fails when a test failed, a suite ended badly, or a suite has no result. It never drops a
// failure: a command that fails without naming a failed test counts as one. A suite of kind step
// is work that the others need: it counts only when it fails.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const resultsDir = ".cache/tests"

var errFailed = errors.New("tally: a test failed")

// result is what one suite did.
type result struct {
	Passed   int      `json:"passed"`
	Failed   int      `json:"failed"`
	Skipped  int      `json:"skipped"`
	Failures []string `json:"failures"`
	Seconds  float64  `json:"seconds"`
}

func main() {
	err := run(os.Args[1:], os.Stdout)
	if err == nil {
		return
	}
	if !errors.Is(err, errFailed) { // whose count is the last line
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(1)
}

func run(args []string, out io.Writer) error {
	if len(args) >= 4 && args[0] == "run" {
		return runSuite(args[1], args[2], args[3:], out)
	}
	if len(args) >= 2 && args[0] == "sum" {
		return sum(args[1:], out)
	}
	return errors.New("usage: tally run NAME gotest|vitest|node|exit|step COMMAND... | tally sum NAME...")
}

// runSuite returns an error only when the result could not be stored.
func runSuite(name, kind string, argv []string, out io.Writer) error {
	fmt.Fprintf(out, "\n== %s: %s\n", name, strings.Join(argv, " "))
	if err := os.MkdirAll(resultsDir, 0o755); err != nil {
		return err
	}
	report := filepath.Join(resultsDir, name+".vitest.json")
	if kind == "vitest" {
		abs, err := filepath.Abs(report)
		if err != nil {
			return err
		}
		argv = append(argv, "--reporter=default", "--reporter=json", "--outputFile.json="+abs)
	}
	c, err := counterOf(name, kind, report, out)
	if err != nil {
		return err
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = c, c // the same one, so that a single goroutine writes
	began := time.Now()
	err = cmd.Run()
	r := c.result(err == nil)
	r.Seconds = time.Since(began).Seconds()
	switch {
	case err != nil && r.Failed == 0:
		r.Failed = 1
		r.Failures = append(r.Failures, fmt.Sprintf("%s: %v", name, err))
	case err == nil && kind != "step" && r.Passed+r.Failed == 0:
		r.Failed = 1
		r.Failures = append(r.Failures, name+": no test ran")
	}
	fmt.Fprintln(out, r.line(name))
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(resultsDir, name+".json"), raw, 0o644)
}

func counterOf(name, kind, report string, out io.Writer) (counter, error) {
	switch kind {
	case "gotest":
		return &goCounter{out: out, state: map[string]string{}}, nil
	case "node":
		return &nodeCounter{out: out, sums: map[string]int{}}, nil
	case "vitest":
		return &vitestCounter{out: out, report: report}, nil
	case "exit":
		return &exitCounter{Writer: out, passed: 1}, nil
	case "step":
		return &exitCounter{Writer: out}, nil
	}
	return nil, fmt.Errorf("tally: unknown kind %q", kind)
}

func (r result) line(name string) string {
	return fmt.Sprintf("== %-10s %6.1f s  %5d passed %4d failed %4d skipped", name, r.Seconds, r.Passed, r.Failed, r.Skipped)
}

func sum(names []string, out io.Writer) error {
	var all result
	fmt.Fprintln(out, "\n== summary")
	for _, name := range names {
		var r result
		raw, err := os.ReadFile(filepath.Join(resultsDir, name+".json"))
		if err == nil {
			err = json.Unmarshal(raw, &r)
		}
		if err != nil {
			r = result{Failed: 1, Failures: []string{name + ": has no result"}}
		}
		fmt.Fprintln(out, r.line(name))
		all.Seconds += r.Seconds
		all.Passed += r.Passed
		all.Failed += r.Failed
		all.Failures = append(all.Failures, r.Failures...)
	}
	for _, f := range all.Failures {
		fmt.Fprintln(out, "FAILED", f)
	}
	fmt.Fprintf(out, "%s in all\n", time.Duration(all.Seconds*float64(time.Second)).Round(time.Second))
	fmt.Fprintf(out, "%d passed, %d failed\n", all.Passed, all.Failed)
	if all.Failed > 0 {
		return errFailed
	}
	return nil
}

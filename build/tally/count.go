package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// counter takes the output of a suite, shows what a person needs of it, and counts.
type counter interface {
	io.Writer
	result(exitOK bool) result
}

// lineReader hands whole lines on.
type lineReader struct{ rest []byte }

func (l *lineReader) each(p []byte, f func(line []byte)) {
	l.rest = append(l.rest, p...)
	for {
		line, after, ok := bytes.Cut(l.rest, []byte("\n"))
		if !ok {
			return
		}
		f(line)
		l.rest = bytes.Clone(after)
	}
}

// goCounter reads `go test -json`. A test that has sub-tests is not counted itself unless it
// failed on its own; one that began and never ended failed.
type goCounter struct {
	lines  lineReader
	out    io.Writer
	state  map[string]string // "package test" → run, pass, fail, skip
	texts  map[string][]string
	broken []string // packages that failed
}

type goEvent struct{ Action, Package, ImportPath, Test, Output string }

func (c *goCounter) Write(p []byte) (int, error) {
	c.lines.each(p, c.line)
	return len(p), nil
}

func (c *goCounter) line(line []byte) {
	var e goEvent
	if json.Unmarshal(line, &e) != nil || e.Action == "" {
		fmt.Fprintf(c.out, "%s\n", line)
		return
	}
	if c.texts == nil {
		c.texts = map[string][]string{}
	}
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		c.texts[key] = append(c.texts[key], e.Output)
	case "build-output":
		fmt.Fprint(c.out, e.Output)
	case "run", "pass", "fail", "skip":
		if e.Test == "" {
			c.packageEnd(e)
			return
		}
		c.state[key] = e.Action
		if e.Action == "fail" || e.Action == "skip" {
			fmt.Fprint(c.out, strings.Join(c.texts[key], ""))
		}
		if e.Action != "run" {
			delete(c.texts, key)
		}
	}
}

func (c *goCounter) packageEnd(e goEvent) {
	fmt.Fprintf(c.out, "%-4s %s\n", e.Action, e.Package)
	if e.Action != "fail" {
		return
	}
	c.broken = append(c.broken, e.Package)
	fmt.Fprint(c.out, strings.Join(c.texts[e.Package+" "], ""))
	for key, state := range c.state { // what was running when it broke off
		if state == "run" && strings.HasPrefix(key, e.Package+" ") {
			fmt.Fprint(c.out, strings.Join(c.texts[key], ""))
		}
	}
}

func (c *goCounter) result(bool) result {
	var r result
	parents, failedIn := map[string]bool{}, map[string]bool{}
	for key, state := range c.state {
		for i := strings.LastIndexByte(key, '/'); i > strings.IndexByte(key, ' '); i = strings.LastIndexByte(key[:i], '/') {
			parents[key[:i]] = true
			if state == "fail" || state == "run" {
				failedIn[key[:i]] = true
			}
		}
	}
	for key, state := range c.state {
		if parents[key] && (state == "pass" || failedIn[key]) {
			continue
		}
		pkg, _, _ := strings.Cut(key, " ")
		switch state {
		case "pass":
			r.Passed++
		case "skip":
			r.Skipped++
		default:
			r.Failed++
			r.Failures = append(r.Failures, key)
			failedIn[pkg] = true
		}
	}
	for _, pkg := range c.broken {
		if !failedIn[pkg] { // it did not compile, or died between tests
			r.Failed++
			r.Failures = append(r.Failures, pkg)
		}
	}
	slices.Sort(r.Failures)
	return r
}

// vitestCounter shows the output and counts from vitest's own report.
type vitestCounter struct {
	out    io.Writer
	report string
}

func (c *vitestCounter) Write(p []byte) (int, error) { return c.out.Write(p) }

func (c *vitestCounter) result(bool) result {
	var v struct {
		TestResults []struct {
			Name             string
			Status           string
			AssertionResults []struct{ FullName, Status string }
		}
	}
	raw, err := os.ReadFile(c.report)
	if err != nil || json.Unmarshal(raw, &v) != nil {
		return result{}
	}
	var r result
	for _, file := range v.TestResults {
		failed := 0
		for _, a := range file.AssertionResults {
			switch a.Status {
			case "passed":
				r.Passed++
			case "failed":
				failed++
				r.Failures = append(r.Failures, a.FullName)
			default:
				r.Skipped++
			}
		}
		if file.Status == "failed" && failed == 0 { // it could not be loaded
			failed = 1
			r.Failures = append(r.Failures, file.Name)
		}
		r.Failed += failed
	}
	return r
}

// nodeCounter reads the summary at the end of `node --test`, in either of its reporters.
type nodeCounter struct {
	lines lineReader
	out   io.Writer
	sums  map[string]int
}

func (c *nodeCounter) Write(p []byte) (int, error) {
	summary := regexp.MustCompile(`^(?:#|ℹ) (pass|fail|cancelled|skipped) (\d+)$`)
	c.lines.each(p, func(line []byte) {
		if m := summary.FindSubmatch(line); m != nil {
			c.sums[string(m[1])], _ = strconv.Atoi(string(m[2]))
		}
	})
	return c.out.Write(p)
}

func (c *nodeCounter) result(bool) result {
	r := result{Passed: c.sums["pass"], Failed: c.sums["fail"] + c.sums["cancelled"], Skipped: c.sums["skipped"]}
	if r.Failed > 0 {
		r.Failures = []string{fmt.Sprintf("%d named above", r.Failed)}
	}
	return r
}

// exitCounter takes a command for so many tests, all of which passed when it did.
type exitCounter struct {
	io.Writer
	passed int
}

func (c *exitCounter) result(exitOK bool) result {
	if exitOK {
		return result{Passed: c.passed}
	}
	return result{}
}

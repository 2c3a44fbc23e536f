//go:build linux

// Command groundtruth is an OpenAI-compatible server whose send times can be trusted. One locked
// thread waits for sockets and for the next deadline, reads CLOCK_MONOTONIC just before each write
// and logs it, so that what a client reports can be held against what was sent. It speaks chat and
// plain completions and /v1/models; POST /_mock/config sets how the next requests are answered and
// clears the log, GET /_mock/summary and /_mock/log tell the truth, POST /_mock/freeze?ms=N stops
// the whole server for a while. Every token is one short word; a tokenizer may count it otherwise.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"golang.org/x/sys/unix"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "address to listen on")
	flag.Parse()
	if err := run(*addr); err != nil {
		fmt.Fprintln(os.Stderr, "groundtruth:", err)
		os.Exit(1)
	}
}

func run(addr string) error {
	// Garbage is collected when the settings change, that is between measurements. The limit only
	// keeps a log of many millions of tokens from taking the whole machine.
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(2 << 30)
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err == nil {
		files.Cur = files.Max
		_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &files) // fewer streams are possible without it
	}
	ctx, done := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer done()
	s, err := listen(addr)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, s.stop)
	fmt.Fprintln(os.Stdout, "listening on http://"+s.addr)
	runtime.LockOSThread()
	return s.serve()
}

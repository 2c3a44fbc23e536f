package llama_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
	"github.com/inferometer/inferometer/backend/engine/llama"
)

// The test binary runs itself again in these roles.
const (
	roleVar    = "FAKE_LLAMA"     // of a fake llama-server: a list of what it does
	parentVar  = "FAKE_PARENT"    // of a program that prepares an engine and is then killed
	stateVar   = "FAKE_STATE"     // its state folder
	fakeLife   = 60 * time.Second // a fake never outlives a broken test for long
	slowLoad   = 150 * time.Millisecond
	helpOfFake = "-m,    --model FNAME  model\n-dev,  --device <dev1,dev2,..>  devices\n--list-devices  list\n" +
		"--metrics  metrics\n-cram, --cache-ram N  cache\n--ui,  --webui, --no-ui, --no-webui  ui\n--offline  offline\n" +
		"-lv,   --verbosity N\n   - 4: trace (more info)\n"
)

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(roleVar) != "":
		fakeServer(strings.Split(os.Getenv(roleVar), ","))
	case os.Getenv(parentVar) != "":
		fakeParent()
	default:
		os.Exit(m.Run())
	}
}

// fakeServer behaves like llama-server, and badly where asked to.
func fakeServer(does []string) {
	time.AfterFunc(fakeLife, func() { os.Exit(9) })
	is := func(what string) bool { return slices.Contains(does, what) }
	switch os.Args[len(os.Args)-1] {
	case "--help":
		fmt.Print(helpOfFake)
		return
	case "--list-devices":
		fmt.Println("Available devices:")
		if is("gpu") {
			fmt.Println("  Fake0: A GPU (1000 MiB, 900 MiB free)")
		}
		return
	}
	fmt.Println("args:", os.Args[1:])
	fmt.Println("key:", os.Getenv("LLAMA_API_KEY"))
	if is("no-death-signal") {
		const prSetPdeathsig = 1
		_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetPdeathsig, 0, 0)
	}
	if is("ignore-term") {
		signal.Ignore(syscall.SIGTERM)
	}
	if is("grandchild") {
		child := exec.Command(os.Args[0], "serve")
		child.Env = append(os.Environ(), roleVar+"=ignore-term,silent")
		child.Stdout = os.Stdout // it keeps the log open
		if err := child.Start(); err != nil {
			panic(err)
		}
		fmt.Println("grandchild:", child.Process.Pid)
	}
	if is("silent") {
		select {}
	}
	if is("gpu") {
		fmt.Println("load_tensors: offloaded 31/31 layers to GPU\nload_tensors:        Fake0 model buffer size =  92.10 MiB")
	}
	if is("crash-start") {
		fmt.Println("E ggml: failed to allocate buffer")
		os.Exit(3)
	}
	if is("illegal") {
		// A Go program turns the signal into an exit code, so let a shell be hit by it.
		err := syscall.Exec("/bin/sh", []string{"sh", "-c", "kill -ILL $$"}, os.Environ())
		panic(err)
	}
	serveFake(is)
}

func serveFake(is func(string) bool) {
	key := "Bearer " + os.Getenv("LLAMA_API_KEY")
	scripted := &enginetest.Server{TTFT: 20 * time.Millisecond, Gap: 2 * time.Millisecond, Timings: true,
		Crash: func() { fmt.Println("E cuda: out of memory"); os.Exit(42) }}
	var ready atomic.Bool
	if !is("never-ready") {
		time.AfterFunc(slowLoad, func() { ready.Store(true) })
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		if !ready.Load() {
			http.Error(w, `{"error":{"message":"Loading model","code":503}}`, http.StatusServiceUnavailable)
		}
	})
	native := newNativeFace(scripted)
	mux.Handle("/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != key {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		native.ServeHTTP(w, r)
	}))
	port := os.Args[slices.Index(os.Args, "--port")+1]
	fmt.Println(http.ListenAndServe("127.0.0.1:"+port, mux))
	os.Exit(1)
}

// fakeParent prepares an engine, says so, and waits to be killed.
func fakeParent() {
	time.AfterFunc(fakeLife, func() { os.Exit(9) })
	e := llama.New(llama.Options{Binary: os.Args[0], StateDir: os.Getenv(stateVar), Env: []string{roleVar + "=" + os.Getenv(parentVar)}})
	info, err := e.Prepare(context.Background(), domain.EngineSpec{Model: domain.Model{Path: "/models/x.gguf"}, Slots: 1, Context: 256})
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	fmt.Println("engine:", info.PID)
	select {}
}

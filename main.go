// Command inferometer benchmarks large language models on this machine or against servers. All of
// it lives in package app; this file only embeds the interface and leaves with its exit code.
package main

import (
	"embed"
	"io/fs"
	"os"

	"github.com/inferometer/inferometer/app"
)

//go:embed all:frontend/dist
var dist embed.FS

func main() {
	web, err := fs.Sub(dist, "frontend/dist")
	if err != nil {
		panic(err) // the path is a constant of this file
	}
	os.Exit(app.Main(app.OSEnv(), web))
}

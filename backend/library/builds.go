package library

import (
	"context"
	"os/exec"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
)

// Ids of engines that this library did not install.
const (
	ownBuild  = "own"
	pathBuild = "path"
)

// Builds lists the engines of this machine that work, the one that Build returns first. One that lies in two places
// is listed once.
func (l *Library) Builds(ctx context.Context) []EngineBuild {
	var out []EngineBuild
	add := func(b EngineBuild) {
		if !slices.ContainsFunc(out, func(o EngineBuild) bool { return o.SHA256 == b.SHA256 && o.Build == b.Build || o.ID == b.ID }) {
			out = append(out, b)
		}
	}
	if b, err := l.Build(ctx); err == nil {
		add(b)
	}
	for _, root := range append([]string{l.opts.DataDir}, l.opts.EngineDirs...) {
		for _, f := range l.installedIn(ctx, root) {
			add(f.build)
		}
	}
	if p, err := exec.LookPath(binaryName()); err == nil {
		if b, err := l.foreignBuild(ctx, pathBuild, p, "PATH"); err == nil {
			add(b)
		}
	}
	return out
}

// BuildOf returns one of Builds by its id; "" is the one that Build returns.
func (l *Library) BuildOf(ctx context.Context, id string) (EngineBuild, error) {
	if id == "" {
		return l.Build(ctx)
	}
	all := l.Builds(ctx)
	i := slices.IndexFunc(all, func(b EngineBuild) bool { return b.ID == id })
	if i < 0 {
		return EngineBuild{}, &domain.Error{Kind: domain.KindConflict, Msg: "The engine build " + id + " is not on this machine any more.",
			Hint: "Choose another build of the engine, or none."}
	}
	return all[i], nil
}

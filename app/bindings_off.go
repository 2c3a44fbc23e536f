//go:build (desktop || dev) && !bindings

package app

// generating says that this build only writes TypeScript bindings; this one runs for real.
const generating = false

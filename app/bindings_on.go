//go:build bindings

package app

// generating says that this build only writes TypeScript bindings: main runs, nothing may happen.
const generating = true

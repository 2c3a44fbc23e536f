// Package app is the composition root: it reads the command line, wires the concrete types of the
// back end together and opens the faces (window, REST listener, command line). It holds no rule of
// the product. It is the only package that imports Wails, and only in the build that has a window
// (tags desktop, dev or bindings).
package app

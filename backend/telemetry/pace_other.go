//go:build !linux

package telemetry

func newPacer() pacer { return newTimerPacer() }

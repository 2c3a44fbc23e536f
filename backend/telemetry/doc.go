// Package telemetry reads the sensors of this machine: CPU, memory, what slows them (pressure, quota,
// swap, disk, heat), energy, the engine's process, and GPUs; and the facts that move its speed.
// One goroutine takes one sample of everything at each tick, 10 a second unless told otherwise, and
// hands it to the run that is under way and to a ring of the last ten minutes, before which the means
// of each second of the last hour stand. A tick allocates nothing. A sensor that is
// missing or fails is nil in the sample with a reason in System, never zero. The package never
// estimates a value, never needs root, and no driver that hangs can stall it.
package telemetry

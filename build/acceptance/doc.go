// Package acceptance holds tests of the finished program: they start the real binary, drive it
// through REST, the command line and signals as a person would, and measure with the real engine
// and starter model. It holds no product code and looks inside no package. The tests need the
// build tag acceptance; README.md says how to run them.
package acceptance

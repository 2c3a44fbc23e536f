package workload

import "github.com/inferometer/inferometer/backend/domain"

// BuiltinSet is a dataset that ships with the program.
type BuiltinSet struct {
	Dataset domain.Dataset
	Prompts []domain.Prompt
}

// Builtin returns the datasets that ship with the program.
func Builtin() []BuiltinSet { return nil }

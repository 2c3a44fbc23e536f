package workload

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"

	"github.com/inferometer/inferometer/backend/domain"
)

//go:embed builtin/*.jsonl
var builtinFiles embed.FS

// BuiltinSet is a dataset that ships with the program.
type BuiltinSet struct {
	Dataset domain.Dataset
	Prompts []domain.Prompt
}

// Builtin returns the datasets that ship with the program, in the order to show them. CreatedAt is
// left to the caller: the package has no clock.
func Builtin() []BuiltinSet {
	kinds := []struct{ id, en, pt, enAbout, ptAbout string }{
		{"chat", "Chat", "Conversa", "Everyday questions and requests.", "Perguntas e pedidos do dia a dia."},
		{"summarise", "Summaries", "Resumos", "Short texts to condense: more input than output.", "Textos curtos para condensar: mais entrada que saída."},
		{"code", "Code", "Código", "Functions to write, review and explain.", "Funções para escrever, revisar e explicar."},
		{"extract", "Extraction", "Extração", "Facts to pull out of texts, often as JSON.", "Fatos a extrair de textos, muitas vezes em JSON."},
		{"reason", "Reasoning", "Raciocínio", "Puzzles and sums that need steps.", "Enigmas e contas que pedem passos."},
	}
	sets := make([]BuiltinSet, 0, 2*len(kinds))
	for _, k := range kinds {
		sets = append(sets, builtin(k.id+"-en", k.en, k.enAbout, "en"), builtin(k.id+"-pt-br", k.pt, k.ptAbout, "pt-BR"))
	}
	return sets
}

// builtin reads one embedded file. A mistake in it is a mistake of the build, which a test finds.
func builtin(id, name, about, language string) BuiltinSet {
	raw, err := builtinFiles.ReadFile("builtin/" + id + ".jsonl")
	if err != nil {
		panic(fmt.Sprintf("read built-in dataset: %v", err))
	}
	prompts, err := Parse("jsonl", bytes.NewReader(raw))
	if err != nil {
		panic(fmt.Sprintf("parse built-in dataset %s: %v", id, err))
	}
	sum := sha256.Sum256(raw)
	return BuiltinSet{
		Dataset: domain.Dataset{
			ID: id, Name: name, Description: about, Prompts: len(prompts), Language: language,
			Builtin: true, SHA256: hex.EncodeToString(sum[:]),
		},
		Prompts: prompts,
	}
}

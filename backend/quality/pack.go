// Package quality says how good a model's answers are, beside how fast they come: small questions with one
// right answer, how likely the model holds texts, and how far it is from a reference. It is pure: it asks
// nothing and keeps nothing. docs/quality.md holds the formulas and what they are worth.
package quality

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
)

//go:embed pack/*.jsonl
var files embed.FS

// Languages of the questions and texts.
const (
	English    = "en"
	Portuguese = "pt-BR"
)

// Task is one question with one right answer.
type Task struct {
	ID     string   `json:"id"`
	Group  string   `json:"group"`
	Grade  string   `json:"grade"` // the name of a grader
	Want   []string `json:"want"`
	Show   string   `json:"show"` // what to show as expected where Want is no text for people
	Prompt string   `json:"prompt"`
}

// Expected is what to show as the right answer.
func (t Task) Expected() string {
	if t.Show != "" {
		return t.Show
	}
	return t.Want[0]
}

// Text is one text that is scored.
type Text struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// Tasks returns the questions of a language and the name of the pack with its checksum.
func Tasks(language string) ([]Task, string) { return read[Task]("tasks", language) }

// Texts returns the texts of a language and the name of the pack with its checksum.
func Texts(language string) ([]Text, string) { return read[Text]("texts", language) }

// read reads one embedded file. A mistake in it is a mistake of the build, which a test finds.
func read[T any](kind, language string) ([]T, string) {
	name := kind + "-" + strings.ToLower(language)
	raw, err := files.ReadFile("pack/" + name + ".jsonl")
	if err != nil {
		panic(fmt.Sprintf("read pack: %v", err))
	}
	var out []T
	for line := range bytes.Lines(raw) {
		var one T
		if err := json.Unmarshal(line, &one); err != nil {
			panic(fmt.Sprintf("parse pack %s: %v", name, err))
		}
		out = append(out, one)
	}
	sum := sha256.Sum256(raw)
	return out, name + "-" + hex.EncodeToString(sum[:4])
}

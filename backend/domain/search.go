package domain

import "time"

// SearchFilter asks for the runs in which every word of Query occurs.
type SearchFilter struct {
	Query string
	Limit int
}

// Search is the answer of GET /api/v1/search: the runs that were found, newest first.
type Search struct {
	Hits     []SearchHit `json:"hits"`
	More     bool        `json:"more"`     // there are further runs
	Indexing int         `json:"indexing"` // ended runs whose texts are not in the index yet
}

// SearchHit is one run that was found, and where.
type SearchHit struct {
	JobID     RunID         `json:"job_id"`
	Name      string        `json:"name"`
	Model     string        `json:"model"`
	CreatedAt time.Time     `json:"created_at"`
	Matches   []SearchMatch `json:"matches"` // the first few
}

// SearchMatch is a place in which words were found.
type SearchMatch struct {
	Field   string        `json:"field"`   // name, model, tags, notes, prompt, output
	Request *int          `json:"request"` // number of the request of prompt and output; null for the others
	Snippet []SnippetPart `json:"snippet"` // plain text around the first words found
}

// SnippetPart is a piece of text; Found marks the words that were looked for.
type SnippetPart struct {
	Text  string `json:"text"`
	Found bool   `json:"found"`
}

package workload

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/inferometer/inferometer/backend/domain"
)

// maxTraceMs is how long a trace may be.
const maxTraceMs = 30 * 24 * 3600 * 1000

var errNotUTF8 = errors.New("the text is not valid UTF-8")

// row is one record as a file gives it. What may mean something else in a file of another kind is
// looked at only when it is needed.
type row struct {
	ID            json.RawMessage `json:"id"`
	CustomID      json.RawMessage `json:"custom_id"` // of a line of a batch
	Prompt        *string         `json:"prompt"`
	Text          *string         `json:"text"`
	MaxTokens     *int            `json:"max_tokens"`
	Messages      json.RawMessage `json:"messages"`
	Conversations json.RawMessage `json:"conversations"`
	Body          json.RawMessage `json:"body"`
	MaxCompletion json.RawMessage `json:"max_completion_tokens"`
}

// record takes one JSON value: an object, or a text that is the prompt itself.
func (c *collector) record(line int, raw []byte) error {
	if !utf8.Valid(raw) {
		return c.reject(line, errNotUTF8.Error())
	}
	if raw[0] == '"' && (c.format == FormatJSONL || c.format == FormatJSON) {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return c.reject(line, jsonMistake(err))
		}
		return c.take(line, domain.Prompt{Text: text}, nil)
	}
	var r row
	if err := json.Unmarshal(raw, &r); err != nil {
		return c.reject(line, jsonMistake(err))
	}
	p, err := c.prompt(r)
	if err == nil && c.format == FormatTrace {
		err = arrival(raw, &p)
	}
	return c.take(line, p, err)
}

// prompt makes a prompt of a record. A list of messages wins only where no text is given.
func (c *collector) prompt(r row) (p domain.Prompt, err error) {
	p.MaxTokens = r.MaxTokens
	if p.ID, err = idOf(r.ID); err != nil {
		return p, err
	}
	if c.format == FormatMessages {
		if p.ID == "" {
			if p.ID, err = idOf(r.CustomID); err != nil {
				return p, err
			}
		}
		if given(r.Body) && !given(r.Messages) {
			var body row
			if err := json.Unmarshal(r.Body, &body); err != nil {
				return p, errors.New("body: " + jsonMistake(err))
			}
			r = body
		}
		if p.MaxTokens = r.MaxTokens; p.MaxTokens == nil && given(r.MaxCompletion) {
			if json.Unmarshal(r.MaxCompletion, &p.MaxTokens) != nil {
				return p, errors.New("max_completion_tokens has the wrong type")
			}
		}
	}
	plain := c.format != FormatMessages && c.format != FormatShareGPT
	switch {
	case plain && r.Prompt != nil:
		p.Text = *r.Prompt
	case plain && r.Text != nil:
		p.Text = *r.Text
	case c.format != FormatShareGPT && given(r.Messages):
		err = fromMessages(r.Messages, &p)
	case c.format != FormatMessages && given(r.Conversations):
		err = fromShareGPT(r.Conversations, &p)
	}
	return p, err
}

func given(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// idOf accepts a text or a number.
func idOf(raw json.RawMessage) (string, error) {
	if !given(raw) {
		return "", nil
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s, nil
	}
	var n json.Number
	if err := json.Unmarshal(raw, &n); err != nil {
		return "", errors.New("id must be a text or a number")
	}
	return n.String(), nil
}

// arrival reads when a trace sends the prompt, and the lengths of one whose text was not kept.
func arrival(raw []byte, p *domain.Prompt) error {
	var a struct {
		Timestamp    *float64 `json:"timestamp"` // ms
		AtMs         *float64 `json:"at_ms"`
		TS           *float64 `json:"t_s"`
		InputLength  *int     `json:"input_length"`
		OutputLength *int     `json:"output_length"`
	}
	if err := json.Unmarshal(raw, &a); err != nil {
		return errors.New(jsonMistake(err))
	}
	switch {
	case a.Timestamp != nil:
		p.AtMs = a.Timestamp
	case a.AtMs != nil:
		p.AtMs = a.AtMs
	case a.TS != nil:
		ms := *a.TS * 1000
		p.AtMs = &ms
	default:
		return errors.New("there is no time; give timestamp or at_ms in milliseconds, or t_s in seconds")
	}
	if p.Text == "" {
		p.InputTokens = a.InputLength
	}
	if p.MaxTokens == nil {
		p.MaxTokens = a.OutputLength
	}
	return nil
}

// fromMessages reads messages of the chat API. A list that ends with the user's message is a
// request: what stands before is its history. A list that ends with an answer is a recorded
// conversation.
func fromMessages(raw json.RawMessage, p *domain.Prompt) error {
	var list []struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return errors.New("messages: " + jsonMistake(err))
	}
	ms := make([]domain.Message, len(list))
	for i, m := range list {
		text, err := content(m.Content)
		if err != nil {
			return fmt.Errorf("message %d: %w", i+1, err)
		}
		role := m.Role
		if role == "developer" {
			role = "system"
		}
		if role != "system" && role != "user" && role != "assistant" {
			return fmt.Errorf("message %d: the role must be system, user or assistant", i+1)
		}
		ms[i] = domain.Message{Role: role, Content: text}
	}
	if len(ms) == 0 || ms[len(ms)-1].Role != "user" {
		return conversation(ms, p)
	}
	for _, m := range ms {
		if m.Role == "assistant" {
			return errors.New("the first turn is not the user's")
		} else if m.Role == "user" {
			break
		}
	}
	last := len(ms) - 1
	p.History, p.Text = ms[:last:last], ms[last].Content
	if last == 0 {
		p.History = nil
	}
	return nil
}

// content reads a message's text: a text, or a list of parts that are texts.
func content(raw json.RawMessage) (string, error) {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		var parts []struct{ Type, Text string }
		if json.Unmarshal(raw, &parts) != nil {
			return "", errors.New("the content must be a text")
		}
		for _, part := range parts {
			if part.Type != "text" && part.Type != "input_text" {
				return "", errors.New("only texts can be sent")
			}
			text += part.Text
		}
	}
	if strings.TrimSpace(text) == "" {
		return "", errors.New("there is no text")
	}
	return text, nil
}

// fromShareGPT reads a conversation as ShareGPT exports it.
func fromShareGPT(raw json.RawMessage, p *domain.Prompt) error {
	var list []struct{ From, Role, Value, Content string }
	if err := json.Unmarshal(raw, &list); err != nil {
		return errors.New("conversations: " + jsonMistake(err))
	}
	ms := make([]domain.Message, len(list))
	for i, m := range list {
		text := m.Value + m.Content // one of the two is there
		if strings.TrimSpace(text) == "" {
			return fmt.Errorf("turn %d: there is no text", i+1)
		}
		switch m.From + m.Role {
		case "human", "user":
			ms[i] = domain.Message{Role: "user", Content: text}
		case "gpt", "assistant", "chatgpt", "model":
			ms[i] = domain.Message{Role: "assistant", Content: text}
		case "system":
			ms[i] = domain.Message{Role: "system", Content: text}
		default:
			return fmt.Errorf("turn %d: from must be human, gpt or system", i+1)
		}
	}
	return conversation(ms, p)
}

// conversation makes turns of messages that alternate between user and assistant behind those of the
// system. The last answer is left out: it is what will be measured.
func conversation(ms []domain.Message, p *domain.Prompt) error {
	for len(ms) > 0 && ms[0].Role == "system" {
		p.History, ms = append(p.History, ms[0]), ms[1:]
	}
	if len(ms) == 0 {
		return errors.New("there is no turn of a user")
	}
	for i, m := range ms {
		role := []string{"user", "assistant"}[i%2]
		switch {
		case m.Role != role && i == 0:
			return errors.New("the first turn is not the user's")
		case m.Role != role:
			return errors.New("the turns do not alternate between user and assistant")
		case i == 0:
			p.Text = m.Content
		case role == "user":
			p.Turns = append(p.Turns, domain.Turn{Answer: ms[i-1].Content, Text: m.Content})
		}
	}
	return nil
}

// jsonMistake says what is wrong without repeating the text.
func jsonMistake(err error) string {
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field == "":
		return "a row must be an object or a text"
	case errors.As(err, &wrong):
		return wrong.Field + " has the wrong type"
	case errors.Is(err, errShape):
		return err.Error()
	}
	return "this is not valid JSON"
}

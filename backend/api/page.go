package api

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/inferometer/inferometer/backend/domain"
)

// PageInput is the query of a paged list. The address is kept for the link to the next page.
type PageInput struct {
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"500" doc:"Rows of one page"`
	Cursor string `query:"cursor" maxLength:"512" doc:"From the Link header of the page before"`

	at url.URL
}

// Resolve implements huma.Resolver.
func (p *PageInput) Resolve(ctx huma.Context) []error {
	p.at = ctx.URL()
	return nil
}

// next builds the Link header; cursor is empty on the last page.
func (p *PageInput) next(cursor string) string {
	if cursor == "" {
		return ""
	}
	q := p.at.Query()
	q.Set("cursor", cursor)
	return "<" + p.at.EscapedPath() + "?" + q.Encode() + `>; rel="next"`
}

// list is the answer of every list: the rows, how many there are in all, and the next page.
type list[T any] struct {
	Link  string `header:"Link" doc:"The next page as rel=\"next\"; absent on the last one"`
	Total int    `header:"X-Total-Count" doc:"Rows on all pages"`
	Body  []T
}

func whole[T any](rows []T, err error) (*list[T], error) {
	if err != nil {
		return nil, err
	}
	return &list[T]{Total: len(rows), Body: rows}, nil
}

// The cursors of the lists, as the OpenAPI document says them: a place in the list, and for jobs, which are added
// while somebody reads, the last one's time and number.
const (
	offsetCursor = `^(?:0|[1-9][0-9]{0,17})$`
	runCursor    = `^(?:0|-?[1-9][0-9]{0,17})_(?:0|[1-9][0-9]{0,17})$`
)

// offset reads a cursor of the lists that are paged by position.
func (p *PageInput) offset() (int, error) {
	if p.Cursor == "" {
		return 0, nil
	}
	if n, err := strconv.Atoi(p.Cursor); err == nil && strconv.Itoa(n) == p.Cursor && n >= 0 {
		return n, nil
	}
	return 0, domain.Invalid("query.cursor", "is not a cursor of this list")
}

// byOffset makes the answer of a list that is paged by position.
func byOffset[T any](p *PageInput, page domain.Page[T], offset int) *list[T] {
	out := &list[T]{Total: page.Total, Body: page.Items}
	if end := offset + len(page.Items); len(page.Items) > 0 && end < page.Total {
		out.Link = p.next(strconv.Itoa(end))
	}
	return out
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }

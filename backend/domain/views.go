package domain

import "time"

// FacetCount is one value of a column and how many runs have it.
type FacetCount struct {
	Value string `json:"value"`
	Count int    `json:"count"`
}

// Facets is the answer of GET /api/v1/facets. Each list counts within all filters but its own, so that it
// shows what another choice would give; most runs first.
type Facets struct {
	Total   int          `json:"total"` // runs within all filters
	Model   []FacetCount `json:"model"`
	Engine  []FacetCount `json:"engine"`
	Dataset []FacetCount `json:"dataset"` // runs without a dataset are not in it
	Tag     []FacetCount `json:"tag"`
	Status  []FacetCount `json:"status"`
}

// SavedView is a view of the results that a person keeps.
type SavedView struct {
	ID        string      `json:"id"`
	Name      string      `json:"name"`
	Filters   ViewFilters `json:"filters"`
	Sort      ViewSort    `json:"sort"`
	Columns   []string    `json:"columns"` // those that are shown; empty: the usual ones
	CreatedAt time.Time   `json:"created_at"`
}

// ViewFilters are what a view lets through; an empty text lets all through.
type ViewFilters struct {
	Text    string `json:"text,omitempty" maxLength:"500"`
	Model   string `json:"model,omitempty" maxLength:"512"`
	Engine  string `json:"engine,omitempty" maxLength:"64"`
	Dataset string `json:"dataset,omitempty" maxLength:"128"`
	Load    string `json:"load,omitempty" maxLength:"64" doc:"As its column shows it"`
	Verdict string `json:"verdict,omitempty" enum:"valid,caution,invalid"`
	Status  string `json:"status,omitempty" enum:"queued,running,completed,failed,canceled,interrupted"`
	Tag     string `json:"tag,omitempty" maxLength:"100"`
	Days    int    `json:"days,omitempty" minimum:"0" maximum:"36500" doc:"Only runs of so many last days; 0: all"`
	Starred bool   `json:"starred,omitempty"`
}

// ViewSort is the order of a view.
type ViewSort struct {
	Key  string `json:"key" maxLength:"32" doc:"A column"`
	Desc bool   `json:"desc"`
}

// ViewInput is the body of POST and PATCH views; absent fields stay, or are empty in a new view.
type ViewInput struct {
	Name    *string      `json:"name,omitempty" maxLength:"60"`
	Filters *ViewFilters `json:"filters,omitempty"`
	Sort    *ViewSort    `json:"sort,omitempty"`
	Columns *[]string    `json:"columns,omitempty" maxItems:"32"`
}

package load

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

func plan(l domain.Load, s domain.Stop) domain.Plan { return domain.Plan{Load: l, Stop: s, Repeat: 1} }

func TestDescribe(t *testing.T) {
	set := "set"
	cases := []struct {
		name     string
		plan     domain.Plan
		users    int
		requests *int
		onePass  bool
	}{
		{"single alone is one request", plan(domain.Load{Kind: "single"}, domain.Stop{}), 1, new(1), false},
		{"closed alone is one request a user", plan(domain.Load{Kind: "closed", Concurrency: new(8)}, domain.Stop{}), 8, new(8), false},
		{"requests", plan(domain.Load{Kind: "single"}, domain.Stop{Requests: new(5)}), 1, new(5), false},
		{"time alone has no count", plan(domain.Load{Kind: "single"}, domain.Stop{DurationS: new(2.5)}), 1, nil, false},
		{"an error limit gives no length", plan(domain.Load{Kind: "single"}, domain.Stop{Errors: new(3)}), 1, new(1), false},
		{"a dataset is one pass", domain.Plan{DatasetID: &set, Load: domain.Load{Kind: "closed", Concurrency: new(2)}}, 2, nil, true},
		{"a dataset with a count", domain.Plan{DatasetID: &set, Load: domain.Load{Kind: "single"}, Stop: domain.Stop{Requests: new(9)}}, 1, new(9), false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p, err := For(c.plan)
			if err != nil {
				t.Fatal(err)
			}
			s := p.Describe()
			if s.Users != c.users || s.OnePass != c.onePass || (s.Requests == nil) != (c.requests == nil) ||
				(s.Requests != nil && *s.Requests != *c.requests) {
				t.Errorf("step = %+v", s)
			}
		})
	}
}

func TestDueEndsWithTheCount(t *testing.T) {
	p, err := For(plan(domain.Load{Kind: "closed", Concurrency: new(4)}, domain.Stop{Requests: new(3)}))
	if err != nil {
		t.Fatal(err)
	}
	for n := -1; n < 6; n++ {
		offset, ok := p.Due(n)
		if want := n >= 0 && n < 3; ok != want || offset != 0 {
			t.Errorf("Due(%d) = %s, %v", n, offset, ok)
		}
	}
}

func TestLimitsAreCarried(t *testing.T) {
	p, err := For(domain.Plan{
		Load: domain.Load{Kind: "closed", Concurrency: new(2), ThinkTimeMs: new(250)},
		Stop: domain.Stop{DurationS: new(1.5), Tokens: new(10), Errors: new(2)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if s := p.Describe(); s.Think != 250*time.Millisecond || s.Duration != 1500*time.Millisecond || s.Tokens != 10 || s.Errors != 2 {
		t.Errorf("step = %+v", s)
	}
}

func TestExpected(t *testing.T) {
	set := "set"
	cases := []struct {
		plan domain.Plan
		want *int
	}{
		{domain.Plan{Load: domain.Load{Kind: "single"}}, new(1)},
		{domain.Plan{Load: domain.Load{Kind: "single"}, Repeat: 3}, new(3)},
		{domain.Plan{DatasetID: &set, Load: domain.Load{Kind: "single"}, Repeat: 2}, new(24)},
		{domain.Plan{Load: domain.Load{Kind: "single"}, Stop: domain.Stop{Tokens: new(9)}}, nil},
	}
	for i, c := range cases {
		got, err := Expected(c.plan, 12)
		if err != nil || (got == nil) != (c.want == nil) || (got != nil && *got != *c.want) {
			t.Errorf("case %d: %v, %v", i, got, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	cases := []struct {
		name     string
		load     domain.Load
		kind     domain.Kind
		location string
	}{
		{"another kind", domain.Load{Kind: "poisson"}, domain.KindUnsupported, "body.load.kind"},
		{"no kind", domain.Load{}, domain.KindUnsupported, "body.load.kind"},
		{"closed without users", domain.Load{Kind: "closed"}, domain.KindInvalid, "body.load.concurrency"},
		{"no users", domain.Load{Kind: "closed", Concurrency: new(0)}, domain.KindInvalid, "body.load.concurrency"},
		{"single with users", domain.Load{Kind: "single", Concurrency: new(4)}, domain.KindInvalid, "body.load.concurrency"},
		{"negative pause", domain.Load{Kind: "single", ThinkTimeMs: new(-1)}, domain.KindInvalid, "body.load.think_time_ms"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := For(plan(c.load, domain.Stop{}))
			var e *domain.Error
			if !errors.As(err, &e) || e.Kind != c.kind || len(e.Fields) != 1 || e.Fields[0].Location != c.location {
				t.Fatalf("err = %+v", err)
			}
			if c.kind == domain.KindUnsupported {
				for _, kind := range Supported() {
					if !strings.Contains(e.Fields[0].Message, kind) {
						t.Errorf("message %q does not name %s", e.Fields[0].Message, kind)
					}
				}
			}
			if _, err := Expected(plan(c.load, domain.Stop{}), 1); err == nil {
				t.Error("Expected must refuse too")
			}
		})
	}
}

package telemetry

import (
	"testing"
	"time"
)

func TestPacers(t *testing.T) {
	for name, make := range map[string]func() pacer{
		"of the system": newPacer, "of the runtime": func() pacer { return newTimerPacer() },
	} {
		t.Run(name, func(t *testing.T) {
			p := make()
			p.wait(time.Now().Add(-time.Hour)) // returns, or this test never ends
			for range 3 {
				until := time.Now().Add(5 * time.Millisecond)
				if p.wait(until); time.Now().Before(until) {
					t.Errorf("%v too early", time.Until(until))
				}
			}
			p.wake() // before the wait
			p.wait(time.Now().Add(time.Hour))
			done := beside(p.wake)
			p.wait(time.Now().Add(time.Hour))
			<-done
			p.wake()
			p.wake() // both are one
			p.wait(time.Now().Add(time.Hour))
			until := time.Now().Add(5 * time.Millisecond)
			if p.wait(until); time.Now().Before(until) {
				t.Errorf("a wake that was seen counts again: %v too early", time.Until(until))
			}
			p.close()
			p.wake() // of one who does not know
		})
	}
}

// beside calls f on another goroutine and closes done after it.
func beside(f func()) (done chan struct{}) {
	done = make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	return done
}

// wake and wait meet in every order.
func TestPacerMeetsEveryWake(t *testing.T) {
	p := newPacer()
	defer p.close()
	for range 2000 {
		done := beside(p.wake)
		p.wait(time.Now().Add(time.Hour))
		<-done
	}
}

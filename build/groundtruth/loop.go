//go:build linux

package main

import (
	"container/heap"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	backlog  = 16384
	dueBatch = 64 // sends between two looks at the sockets
)

// server is the whole state; only the goroutine of serve touches it.
type server struct {
	addr   string
	epoll  int
	listen int
	wake   int // an eventfd: stop
	conns  map[int]*conn
	set    *settings // replaced as a whole; each stream keeps the one it began with
	log    []*record
	due    queue
	clock  int64     // the last reading
	queued []*stream // waiting for a slot
	active int
	peak   int
	in     []byte // what a read takes
	// Events and the bytes to send are put together here: sending a token allocates nothing.
	payload, buf []byte
}

// now is CLOCK_MONOTONIC in nanoseconds.
func now() int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // cannot fail for this clock
	return ts.Nano()
}

func listen(addr string) (*server, error) {
	at, err := netip.ParseAddrPort(addr)
	if err != nil || !at.Addr().Is4() {
		return nil, fmt.Errorf("read address %q: an IPv4 address and a port are needed", addr)
	}
	set := defaults()
	s := &server{conns: map[int]*conn{}, set: &set, in: make([]byte, 256<<10)}
	for _, open := range []func() error{
		func() (err error) { s.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); return },
		func() (err error) { s.wake, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); return },
		func() (err error) {
			s.listen, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
			return
		},
		func() error { return unix.SetsockoptInt(s.listen, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) },
		func() error {
			return unix.Bind(s.listen, &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()})
		},
		func() error { return unix.Listen(s.listen, backlog) },
		func() error { return s.watch(s.listen, unix.EPOLL_CTL_ADD, unix.EPOLLIN) },
		func() error { return s.watch(s.wake, unix.EPOLL_CTL_ADD, unix.EPOLLIN) },
	} {
		if err := open(); err != nil {
			return nil, fmt.Errorf("listen on %s: %w", addr, err)
		}
	}
	name, err := unix.Getsockname(s.listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	port := name.(*unix.SockaddrInet4).Port
	s.addr = net.JoinHostPort(at.Addr().String(), strconv.Itoa(port))
	return s, nil
}

func (s *server) watch(fd, op int, events uint32) error {
	return unix.EpollCtl(s.epoll, op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
}

// stop ends serve; it may be called from any goroutine.
func (s *server) stop() {
	_, _ = unix.Write(s.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // fails only when it is full, and awake
}

// serve runs until stop. Its goroutine must be locked to its thread, whose timers it makes exact.
func (s *server) serve() error {
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set timer slack: %w", err)
	}
	events := make([]unix.EpollEvent, 512)
	for {
		s.sendDue()
		if !s.wait() {
			continue
		}
		n, err := unix.EpollWait(s.epoll, events, 0)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("wait for sockets: %w", err)
		}
		for _, ev := range events[:max(n, 0)] {
			switch fd := int(ev.Fd); fd {
			case s.wake:
				s.close()
				return nil
			case s.listen:
				s.accept()
			default:
				if c := s.conns[fd]; c != nil {
					s.ready(c, ev.Events)
				}
			}
		}
	}
}

// wait sleeps until a socket is ready or a deadline has come, whichever is first, and reports
// whether a socket is. The epoll descriptor is polled itself, for ppoll takes nanoseconds.
func (s *server) wait() bool {
	var limit *unix.Timespec
	if len(s.due) > 0 {
		ts := unix.NsecToTimespec(max(s.due[0].due-now(), 0))
		limit = &ts
	}
	n, err := unix.Ppoll([]unix.PollFd{{Fd: int32(s.epoll), Events: unix.POLLIN}}, limit, nil)
	return err == nil && n > 0
}

// sendDue sends what is due, a batch of it at most, so that new requests are read in between.
func (s *server) sendDue() {
	for range dueBatch {
		if len(s.due) == 0 {
			return
		}
		st := s.due[0]
		if st.due > s.clock { // the last reading may be old, but never too late
			if s.clock = now(); st.due > s.clock {
				return
			}
		}
		if st.c != nil && s.step(st) {
			heap.Fix(&s.due, 0)
		} else {
			heap.Pop(&s.due)
			s.admit()
		}
	}
}

func (s *server) close() {
	for _, c := range s.conns {
		s.drop(c, false)
	}
	for _, fd := range []int{s.listen, s.wake, s.epoll} {
		_ = unix.Close(fd)
	}
}

// queue orders streams by their next deadline.
type queue []*stream

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due < q[j].due }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)        { *q = append(*q, x.(*stream)) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	st := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return st
}

// Package kit lets tests of a contract run without go test, such as those of a
// plug-in that is a program: they are written for a [T], which a *testing.T is
// (package datatest) and which [Run] makes.
package kit

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
)

// T is the part of testing.T that contracts need.
type T interface {
	Helper()
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	// Run runs a part, and says whether nothing in it failed.
	Run(name string, part func(T)) bool
}

// Outcome is a part of a contract that has no further parts: its name with those
// around it, and what failed, nothing if it holds.
type Outcome struct {
	Name   string
	Failed []string
}

// Run runs a contract. each is called with every part when it ends, in their order;
// the result says whether all of them hold. A panic in a part is its failure.
func Run(contract func(T), each func(Outcome)) bool {
	r := &recorder{each: each}
	r.do(contract)
	return !r.failed()
}

// recorder is the T of one part.
type recorder struct {
	name   string
	each   func(Outcome)
	mu     sync.Mutex
	wrong  []string
	parted bool // it has parts
	broken bool // one of its parts failed
}

// do runs f in a goroutine of its own, which Fatal can end.
func (r *recorder) do(f func(T)) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				r.Error("panic:", p)
			}
		}()
		f(r)
	}()
	<-done
	if !r.parted || len(r.wrong) > 0 {
		r.each(Outcome{r.name, r.wrong})
	}
}

func (r *recorder) failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.broken || len(r.wrong) > 0
}

// Helper does nothing: places in the source of the contract tell an author little.
func (r *recorder) Helper() {}

// Error notes a failure.
func (r *recorder) Error(args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wrong = append(r.wrong, strings.TrimSuffix(fmt.Sprintln(args...), "\n"))
}

// Errorf notes a failure.
func (r *recorder) Errorf(format string, args ...any) { r.Error(fmt.Sprintf(format, args...)) }

// Fatal notes a failure and ends the part.
func (r *recorder) Fatal(args ...any) {
	r.Error(args...)
	runtime.Goexit()
}

// Fatalf notes a failure and ends the part.
func (r *recorder) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }

// Run runs a part of r.
func (r *recorder) Run(name string, part func(T)) bool {
	in := &recorder{name: strings.TrimPrefix(r.name+"/"+name, "/"), each: r.each}
	in.do(part)
	failed := in.failed()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.parted = true
	r.broken = r.broken || failed
	return !failed
}

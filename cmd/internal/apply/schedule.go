package apply

import (
	"slices"

	"github.com/tykmesh/tykmesh/cmd/internal/plan"
)

// schedule takes steps, up to limit of them at once, each when all that it comes after are done. Of
// those that can begin it prefers the first, so that one service is finished before many are begun.
// take reports whether a step is done; done holds these steps, and those that were done before. A
// step that comes after one that is not done is never taken.
func schedule(limit int, steps []*plan.Step, done map[*plan.Step]bool, take func(*plan.Step) bool) {
	type result struct {
		step int
		done bool
	}

	results := make(chan result)
	q := newQueue(steps, done)
	for running := 0; ; running-- {
		for ; running < limit && len(q.ready) > 0; running++ {
			i := q.next()
			go func() { results <- result{i, take(steps[i])} }()
		}

		if running == 0 {
			return
		}

		if r := <-results; r.done {
			done[steps[r.step]] = true
			q.release(steps[r.step])
		}
	}
}

// queue holds the steps that wait for others.
type queue struct {
	ready     []int                // can begin, the first one last
	waits     []int                // for each step, how many others it waits for
	followers map[*plan.Step][]int // the steps that wait for one
}

func newQueue(steps []*plan.Step, done map[*plan.Step]bool) *queue {
	q := &queue{waits: make([]int, len(steps)), followers: make(map[*plan.Step][]int)}
	for i, s := range slices.Backward(steps) {
		for _, before := range s.After {
			if !done[before] {
				q.waits[i]++
				q.followers[before] = append(q.followers[before], i)
			}
		}

		if q.waits[i] == 0 {
			q.ready = append(q.ready, i)
		}
	}

	return q
}

// next takes the first step that can begin off the queue.
func (q *queue) next() int {
	last := len(q.ready) - 1
	i := q.ready[last]
	q.ready = q.ready[:last]
	return i
}

// release notes that a step is done.
func (q *queue) release(s *plan.Step) {
	for _, i := range q.followers[s] {
		if q.waits[i]--; q.waits[i] > 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(q.ready, i, func(a, b int) int { return b - a })
		q.ready = slices.Insert(q.ready, at, i)
	}
}

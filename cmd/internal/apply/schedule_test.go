package apply

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tykmesh/tykmesh/cmd/internal/plan"
)

// TestSchedule holds schedules of random steps to their promises: a step begins when all steps
// before it are done, and else never; no more than the limit run at once; and of those that can
// begin the first one does.
func TestSchedule(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 0))
		steps := make([]*plan.Step, 1+r.IntN(40))
		place := make(map[*plan.Step]int)
		done := make(map[*plan.Step]bool)
		earlier := &plan.Step{}
		done[earlier] = r.IntN(2) == 0
		for i := range steps {
			steps[i] = &plan.Step{}
			place[steps[i]] = i
			if i > 0 {
				for range r.IntN(3) {
					steps[i].After = append(steps[i].After, steps[r.IntN(i)])
				}
			}
			if r.IntN(10) == 0 {
				steps[i].After = append(steps[i].After, earlier)
			}
		}

		fails := make(map[*plan.Step]bool)
		for _, s := range steps {
			fails[s] = r.IntN(6) == 0
		}

		limit := 1 + r.IntN(4)
		var mu sync.Mutex
		var running atomic.Int64
		var order []int
		finished := map[*plan.Step]bool{earlier: done[earlier]}
		schedule(limit, steps, done, func(s *plan.Step) bool {
			if n := running.Add(1); n > int64(limit) {
				t.Errorf("seed %d: %d steps run at once, at most %d", seed, n, limit)
			}
			defer running.Add(-1)
			runtime.Gosched() // to the others, which would run now if they could

			mu.Lock()
			defer mu.Unlock()
			order = append(order, place[s])
			for _, before := range s.After {
				if !finished[before] {
					t.Errorf("seed %d: step %d begins too early", seed, place[s])
				}
			}
			finished[s] = !fails[s]
			return !fails[s]
		})

		if sorted := slices.Sorted(slices.Values(order)); len(slices.Compact(sorted)) != len(order) {
			t.Errorf("seed %d: a step is taken twice: %v", seed, order)
		}
		if limit == 1 && !slices.IsSorted(order) {
			t.Errorf("seed %d: one at a time they are taken in the order %v", seed, order)
		}
		for i, s := range steps {
			free := !slices.ContainsFunc(s.After, func(before *plan.Step) bool { return !finished[before] })
			if took := slices.Contains(order, i); took != free || done[s] != finished[s] {
				t.Errorf("seed %d: step %d: taken %v, could begin %v, done %v", seed, i, took, free, done[s])
			}
		}
	}
}

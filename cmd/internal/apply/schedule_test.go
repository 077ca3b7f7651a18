package apply

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/tykmesh/tykmesh/cmd/internal/plan"
)

// TestSchedule holds schedules of random steps against what is promised of every one: a step begins
// when all that it comes after are done, and else never; no more than the limit run at once; and of
// those that can begin the first one does.
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
		running := 0
		var order []int
		finished := map[*plan.Step]bool{earlier: done[earlier]}
		schedule(limit, steps, done, func(s *plan.Step) bool {
			mu.Lock()
			defer mu.Unlock()
			running++
			if running > limit {
				t.Errorf("seed %d: %d steps run at once", seed, running)
			}
			running--
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
